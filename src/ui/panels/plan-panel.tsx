// A change before it is made: what to apply or to do without, then what comes, changes and goes.
import { useState } from 'react';
import type { PlanAnswer } from '../../explain/answers.ts';
import type { LoadBalancerChange, Placeholder } from '../../explain/plan/plan.ts';
import type { ReachEnd } from '../../explain/plan/reach-groups.ts';
import { percent } from '../picture/lines.ts';
import { postPlan } from '../state/api.ts';
import type { World } from '../state/world.ts';
import { AskForm, Choice } from './ask.tsx';
import { removablesOf } from './choices.ts';

export type PlanSide = 'before' | 'after';

interface Props {
  readonly world: World;
  readonly answer: PlanAnswer | undefined;
  readonly side: PlanSide;
  readonly onPlan: (answer: PlanAnswer | undefined) => void;
  readonly onSide: (side: PlanSide) => void;
}

const signs = { created: '+', changed: '~', deleted: '−' } as const;

export function PlanPanel({ world, answer, side, onPlan, onSide }: Props) {
  const [manifests, setManifests] = useState('');
  const [without, setWithout] = useState('');
  return (
    <>
      <AskForm
        title="Plan a change"
        verb="Plan"
        isComplete={manifests !== '' || without !== ''}
        ask={() => postPlan({ manifests, without: without === '' ? [] : [without] })}
        onAnswer={onPlan}
      >
        <label>
          Apply
          <textarea
            name="manifests"
            rows={7}
            spellCheck={false}
            placeholder="manifests (YAML)"
            value={manifests}
            onChange={(event) => setManifests(event.target.value)}
          />
        </label>
        <Choice
          label="Without"
          name="without"
          value={without}
          placeholder="pod/NAME, node/NAME, service/NAME, networkpolicy/NAME"
          choices={() => removablesOf(world)}
          onChange={setWithout}
        />
      </AskForm>
      {answer && (
        <>
          <fieldset className="sides">
            <legend className="hidden">Which picture</legend>
            {(['before', 'after'] as const).map((one) => (
              <button key={one} type="button" aria-pressed={side === one} onClick={() => onSide(one)}>
                {one}
              </button>
            ))}
          </fieldset>
          <Changes answer={answer} />
        </>
      )}
    </>
  );
}

function Changes({ answer: { plan } }: { readonly answer: PlanAnswer }) {
  const { objects, slices, records, shares, connections, reach, rules, loadBalancers, placeholders, notes } = plan;
  const isEmpty = [objects, slices, records.added, records.removed, rules].every((list) => list.length === 0);
  if (isEmpty) return <p>Nothing would change.</p>;
  return (
    <section aria-label="What would change">
      <h3>Objects</h3>
      <ul className="plain">
        {[...objects, ...slices].map(({ change, object, fields }) => (
          <li key={object}>
            <span className={`sign-${change}`}>{signs[change]}</span> {object}
            {fields.length > 0 && <span className="quiet">{fields.map(({ path }) => path).join(', ')}</span>}
          </li>
        ))}
      </ul>
      {loadBalancers.length > 0 && <h3>Load balancers</h3>}
      <ul className="plain">
        {loadBalancers.map((balancer) => (
          <BalancerLine key={balancer.object} {...balancer} />
        ))}
      </ul>
      {shares.length > 0 && <h3>Share of new connections</h3>}
      <table>
        <tbody>
          {shares.map(({ servicePort, endpoint, before, after }) => (
            <tr key={`${servicePort} ${endpoint}`}>
              <td>{endpoint}</td>
              <td className="number">{percent(before)}</td>
              <td>→</td>
              <td className="number">{percent(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {connections.length > 0 && <h3>Connections that lose their endpoint</h3>}
      <ul className="plain">
        {connections.map(({ node, destination, endpoint, count }) => (
          <li key={`${node} ${destination} ${endpoint}`} className="bad">
            {count} to {destination} at {endpoint} <span className="quiet">{node}</span>
          </li>
        ))}
      </ul>
      {reach.length > 0 && <h3>Connections that policies would decide otherwise</h3>}
      <ul className="plain">
        {reach.map(({ change, from, to, policies }) => (
          <li key={JSON.stringify([change, policies, from, to])} className={change === 'denied' ? 'bad' : undefined}>
            {`${endsText(from)} → ${endsText(to)} would be ${change}`}
            <span className="quiet">{policies.join(', ')}</span>
          </li>
        ))}
      </ul>
      <Diff title="DNS records" {...records} />
      {rules.slice(0, 20).map(({ node, added, removed }) => (
        <Diff key={node} title={`Rules of ${node}`} added={added} removed={removed} />
      ))}
      {[...placeholders.map(standInText), ...notes].map((note) => (
        <p key={note} className="quiet">
          {note}
        </p>
      ))}
    </section>
  );
}

const mostEnds = 5;

function endsText(ends: readonly ReachEnd[]): string {
  const shown = ends
    .slice(0, mostEnds)
    .map(({ name, members, of }) => (members ? `${name} (${members.length} of ${of})` : name));
  return ends.length > mostEnds ? `${shown.join(', ')} and ${ends.length - mostEnds} more` : shown.join(', ');
}

const standInText = ({ object, field, value }: Placeholder): string =>
  `${value} stands for what ${object} will be given (${field})`;

function BalancerLine({ object, before, after, waitsFor }: LoadBalancerChange) {
  if (waitsFor !== undefined) return <li className="bad">{`${object} would wait for an address: ${waitsFor}`}</li>;
  return (
    <li>
      {object}: {before.join(', ') || 'no address'} → {after.join(', ') || 'no address'}
      {after.length > 0 && <span className="quiet">unless another Service asks for it first</span>}
    </li>
  );
}

interface DiffProps {
  readonly title: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

function Diff({ title, added, removed }: DiffProps) {
  if (added.length + removed.length === 0) return null;
  return (
    <details className="chapter">
      <summary>
        {title} <span className="quiet">{`+${added.length} −${removed.length}`}</span>
      </summary>
      <pre>{[...removed.map((line) => `- ${line.trim()}`), ...added.map((line) => `+ ${line.trim()}`)].join('\n')}</pre>
    </details>
  );
}
