// A trace for people to read.
import type { Cause, Hop, NameStep, ServiceStep, Trace, TraceOutcome } from './trace.ts';

const label = (name: string, text: string): string => `${name.padEnd(9)}${text}`;
const indent = (text: string): string => `${' '.repeat(9)}${text}`;
const percent = (share: number): string => `${Math.round(share * 100)} %`.padStart(5);

/** Lines, without a final newline: the likeliest outcome step by step, the others in short unless `isInFull`. */
export function traceText(trace: Trace, { isInFull }: { readonly isInFull: boolean }): string {
  const { from, to, mode, name, service, outcomes, cause } = trace;
  const sender = from.address === '' ? from.text : `${from.text} (${from.address}, rules of ${from.node})`;
  return [
    label('Trace', `${sender} -> ${to.text}, ${mode}`),
    ...(name ? nameLines(name) : []),
    ...(service
      ? serviceLines(service)
      : outcomes.length > 0
        ? [label('Service', 'none: no Service is served at this address and port')]
        : []),
    ...outcomes.flatMap((outcome, i) => outcomeLines(outcome, isInFull || i === 0)),
    ...(cause ? causeLines(cause) : []),
  ].join('\n');
}

function nameLines({ host, asked, addresses, note }: NameStep): string[] {
  const lines = asked.map(({ name, result, records }) => `${name}  ${[result, ...records].join('  ')}`);
  if (note !== undefined) lines.push(note);
  if (addresses.length === 0) lines.push(`${host} has no address for this sender: nothing is sent`);
  return lines.map((line, i) => (i === 0 ? label('Name', line) : indent(line)));
}

function serviceLines(step: ServiceStep): string[] {
  const port = `${step.port}/${step.protocol.toUpperCase()}${step.portName === '' ? '' : ` (${step.portName})`}`;
  const version = step.resourceVersion === undefined ? '' : `, resourceVersion ${step.resourceVersion}`;
  const width = Math.max(0, ...step.candidates.map(({ endpoint }) => endpoint.length));
  return [
    label('Service', `${step.service} port ${port} by its ${step.door}${version}`),
    ...(step.rivals ? [indent(`claimed by ${step.rivals.join(', ')}, too`)] : []),
    indent(step.policy),
    ...(step.affinity === undefined ? [] : [indent(step.affinity)]),
    ...step.candidates.map(({ endpoint, target, node, isCandidate, why, share }) =>
      indent(
        `${isCandidate ? percent(share) : '    –'}  ${endpoint.padEnd(width)}  ${target}${node ? ` on ${node}` : ''}${why === '' ? '' : `: ${why}`}`,
      ),
    ),
  ];
}

const headings = {
  arrives: 'Arrives',
  refused: 'Refused',
  dropped: 'Dropped',
  'leaves the cluster': 'Leaves',
} as const;

function outcomeLines(outcome: TraceOutcome, isInFull: boolean): string[] {
  const { result, probability, destination, target, source, hops, reply, nextTime, note, masqueraded } = outcome;
  const seen = `, which sees ${source}${masqueraded ? ' (the node hides the client)' : ''}`;
  const where = result === 'arrives' ? `at ${target} as ${destination}${seen}` : `on the way to ${destination}`;
  const line = label(headings[result], `${percent(probability).trim()} ${where}`);
  const notes = note === undefined ? [] : [indent(note)];
  if (!isInFull) return [line, ...notes, ...diceLines(hops)];
  return [
    line,
    ...notes,
    ...hops.flatMap(hopLines),
    ...reply.map((said, i) => indent(i === 0 ? `back: ${said}` : `      ${said}`)),
    ...(nextTime.length === 0 ? [] : [indent(`next connections of this client: to ${nextTime.join(' or ')}`)]),
  ];
}

/** Each step with the rule that decided; the packet is shown where the step changed it. */
function hopLines({ node, steps }: Hop): string[] {
  return [
    indent(`on ${node}`),
    ...steps.map(({ hook, decision, chance, packet }, i) => {
      const dice = chance < 1 ? `, ${percent(chance).trim()}` : '';
      const changed = i > 0 && steps[i - 1]?.packet === packet ? '' : ` => ${packet}`;
      return indent(`  ${hook.padEnd(11)} ${decision}${dice}${changed}`);
    }),
  ];
}

/** Of an outcome told in short, the throws of dice that led there. */
function diceLines(hops: readonly Hop[]): string[] {
  const thrown = hops.flatMap(({ steps }) => steps.filter(({ chance }) => chance < 1));
  return thrown.map(({ hook, decision, chance }) =>
    indent(`  ${hook.padEnd(11)} ${decision}, ${percent(chance).trim()}`),
  );
}

function causeLines({ object, field, message, remedy }: Cause): string[] {
  return [label('Why', `${object}, ${field}: ${message}`), label('Change', remedy)];
}
