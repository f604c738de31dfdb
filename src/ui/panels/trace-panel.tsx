// A packet, followed: the question, then each step with the rule that decided.
import { useEffect, useState } from 'react';
import type { Trace, TraceOutcome } from '../../explain/trace/trace.ts';
import { percent } from '../picture/lines.ts';
import { type At, getTrace } from '../state/api.ts';
import type { World } from '../state/world.ts';
import { AskForm, Choice } from './ask.tsx';
import { firstOf, sendersOf, targetsOf } from './choices.ts';

interface Props {
  readonly world: World;
  readonly at: At;
  readonly trace: Trace | undefined;
  readonly onTrace: (trace: Trace | undefined) => void;
  /** Told the id of the box in which the step that is looked at happens. */
  readonly onStep: (id: string | undefined) => void;
}

export function TracePanel({ world, at, trace, onTrace, onStep }: Props) {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [mode, setMode] = useState('');
  const usual = { from: firstOf(sendersOf(world)), to: firstOf(targetsOf(world)) };
  return (
    <>
      <AskForm
        title="Trace a packet"
        verb="Trace"
        isComplete={(from || usual.from) !== '' && (to || usual.to) !== ''}
        ask={() => getTrace({ from: from || usual.from, to: to || usual.to, mode, at })}
        onAnswer={onTrace}
      >
        <Choice
          label="From"
          name="from"
          value={from}
          placeholder={usual.from}
          choices={() => sendersOf(world)}
          onChange={setFrom}
        />
        <Choice
          label="To"
          name="to"
          value={to}
          placeholder={usual.to}
          choices={() => targetsOf(world)}
          onChange={setTo}
        />
        <label>
          Rules of
          <select name="mode" value={mode} onChange={(event) => setMode(event.target.value)}>
            <option value="">the cluster's mode</option>
            <option>nftables</option>
            <option>iptables</option>
            <option>ipvs</option>
          </select>
        </label>
      </AskForm>
      {trace && <Way trace={trace} onStep={onStep} />}
    </>
  );
}

interface Step {
  /** Of the box in which it happens. */
  readonly id: string | undefined;
  readonly place: string;
  readonly what: string;
  readonly text: string;
  readonly packet: string;
}

function Way({ trace, onStep }: { readonly trace: Trace; readonly onStep: Props['onStep'] }) {
  const [chosen, setChosen] = useState(0);
  const [current, setCurrent] = useState(0);
  const outcome = trace.outcomes[chosen] ?? trace.outcomes[0];
  const steps = stepsOf(trace, outcome);
  const last = steps.length - 1;
  const id = steps[current]?.id;
  useEffect(() => onStep(id), [id, onStep]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another trace begins at its first step
  useEffect(() => {
    setChosen(0);
    setCurrent(0);
  }, [trace]);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.target instanceof Element && event.target.matches('input, textarea, select')) return;
      if (event.key === 'n') setCurrent((now) => Math.min(last, now + 1));
      if (event.key === 'b') setCurrent((now) => Math.max(0, now - 1));
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [last]);
  return (
    <section aria-label="The way">
      <ul className="outcomes">
        {trace.outcomes.map((one, i) => (
          <li key={`${one.result} ${one.destination} ${one.source}`}>
            <button
              type="button"
              aria-pressed={i === chosen}
              className={isGood(one) ? 'good' : 'bad'}
              onClick={() => setChosen(i)}
            >
              {percent(one.probability)} {one.result} · {one.target}
            </button>
          </li>
        ))}
      </ul>
      {trace.name?.note !== undefined && <p className="quiet">{trace.name.note}</p>}
      {trace.to.address === undefined && <p>{trace.name?.host} has no address for this sender: nothing is sent</p>}
      {outcome?.note !== undefined && <p className="quiet">{outcome.note}</p>}
      <ol className="steps">
        {steps.map((step, i) => (
          <li key={`${step.place} ${step.what} ${step.text}`} aria-current={i === current ? 'step' : undefined}>
            <button type="button" onClick={() => setCurrent(i)}>
              <span className="quiet">{step.place}</span> {step.what}
            </button>
            <pre>{step.text}</pre>
            {step.packet !== '' && <p className="quiet">{step.packet}</p>}
          </li>
        ))}
      </ol>
      {trace.cause && (
        <div className="cause" role="alert">
          <p>
            <strong>{trace.cause.object}</strong>, {trace.cause.field}: {trace.cause.message}
          </p>
          <p>{trace.cause.remedy}</p>
        </div>
      )}
    </section>
  );
}

const isGood = ({ result, isUnanswered }: TraceOutcome): boolean =>
  (result === 'arrives' || result === 'leaves the cluster') && !isUnanswered;

function stepsOf({ name, service }: Trace, outcome: TraceOutcome | undefined): Step[] {
  const steps: Step[] = (name?.asked ?? []).map(({ name: asked, result, records }) => ({
    id: undefined,
    place: 'DNS',
    what: asked,
    text: [result, ...records].join('  '),
    packet: '',
  }));
  if (service) {
    const rivals = service.rivals ? [`claimed by ${service.rivals.join(', ')}, too`] : [];
    const candidates = service.candidates.map(({ endpoint, share, isCandidate, why }) => {
      const chance = isCandidate ? percent(share).padStart(5) : '    –';
      return `${chance}  ${endpoint}${why === '' ? '' : `: ${why}`}`;
    });
    steps.push({
      id: `Service ${service.service}`,
      place: 'Service',
      what: `${service.service} port ${service.port}, by its ${service.door}`,
      text: [
        ...rivals,
        service.policy,
        ...(service.affinity === undefined ? [] : [service.affinity]),
        ...candidates,
      ].join('\n'),
      packet: '',
    });
  }
  for (const { node, steps: taken } of outcome?.hops ?? []) {
    for (const { hook, decision, packet } of taken)
      steps.push({ id: `Node ${node}`, place: node, what: hook, text: decision, packet });
  }
  for (const said of outcome?.reply ?? [])
    steps.push({ id: undefined, place: 'Reply', what: '', text: said, packet: '' });
  return steps;
}
