// A plan for people to read.
import { changeLines } from '../line-changes.ts';
import type { LoadBalancerChange, NetworkPlan, ObjectChange, Placeholder } from './plan.ts';
import type { ReachChange, ReachEnd } from './reach-groups.ts';

const signs = { created: '+', changed: '~', deleted: '-' } as const;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Lines, without a final newline. `withRules` prints the rules themselves, else how many change. */
export function planText(plan: NetworkPlan, { withRules }: { readonly withRules: boolean }): string {
  const { objects, slices, records, rules, shares, connections, reach, placeholders, loadBalancers, notes } = plan;
  const lines = [
    ...section('Objects', objects.flatMap(objectLines)),
    ...section('EndpointSlices', slices.flatMap(sliceLines)),
    ...section('Load balancers', loadBalancers.map(balancerText)),
    ...section('DNS records', changeLines(records)),
    ...section(
      'Share of new connections',
      shares.map(
        ({ servicePort, endpoint, before, after }) =>
          `${servicePort}  ${endpoint}  ${percent(before)} -> ${percent(after)}`,
      ),
    ),
    ...section(
      'Connections that lose their endpoint',
      connections.map(({ node, destination, endpoint, count }) => `${node}: ${count} to ${destination} at ${endpoint}`),
    ),
    ...section('Connections that policies would no longer let through', reachText(reach).denied),
    ...section('Connections that policies would let through', reachText(reach).allowed),
    ...section(
      'Rules',
      rules.flatMap(({ node, added, removed }) => [
        `${node}: +${added.length} -${removed.length} lines`,
        ...(withRules ? changeLines({ added, removed }).map((line) => `  ${line}`) : []),
      ]),
    ),
    ...section('Note', [...placeholders.map(standsFor), ...notes]),
  ];
  return lines.length === 0 ? 'Nothing would change.' : lines.join('\n');
}

function balancerText({ object, before, after, waitsFor }: LoadBalancerChange): string {
  const was = before.length > 0 ? before.join(', ') : 'no address';
  if (waitsFor !== undefined) return `${object}: it would wait for an address: ${waitsFor}`;
  if (after.length === 0) return `${object}: ${was} -> no address`;
  return `${object}: ${was} -> would be ${after.join(', ')}, unless another Service asks for it first`;
}

/** Two lines for each. */
export function reachText(reach: readonly ReachChange[]): Record<ReachChange['change'], string[]> {
  const lines = { denied: [] as string[], allowed: [] as string[] };
  for (const { change, from, to, policies } of reach) {
    const by = `NetworkPolicy ${policies.join(', ')}`;
    const why = change === 'denied' ? `denied by ${by}` : `${by} denies them now`;
    lines[change].push(`${endsText(from)} -> ${endsText(to)}`, `  ${why}`);
  }
  return lines;
}

const mostEnds = 5;

function endsText(ends: readonly ReachEnd[]): string {
  const shown = ends.slice(0, mostEnds).map(endText);
  return ends.length > mostEnds ? `${shown.join(', ')} and ${ends.length - mostEnds} more` : shown.join(', ');
}

/** How many of its members are meant, or which ones where there are few of them. */
function endText({ name, members, of }: ReachEnd): string {
  if (!members) return name;
  return members.length <= 2 ? `${name} (${members.join(', ')})` : `${name} (${members.length} of ${of})`;
}

export function standsFor({ object, field, value }: Placeholder): string {
  return `${value} stands for what ${object} will be given (${field})`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

function objectLines({ change, object, fields }: ObjectChange): string[] {
  const shown = fields.map(({ path, before, after }) => `    ${path}: ${valueText(before)} -> ${valueText(after)}`);
  return [`${signs[change]} ${object}`, ...shown];
}

/** Of slices, who is in them is told by the shares. */
function sliceLines({ change, object, fields }: ObjectChange): string[] {
  const paths = fields.length > 0 ? `  (${fields.map(({ path }) => path).join(', ')})` : '';
  return [`${signs[change]} ${object}${paths}`];
}

function valueText(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
