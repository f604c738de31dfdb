// A plan for people to read.
import { changeLines } from '../line-changes.ts';
import type { LoadBalancerChange, NetworkPlan, ObjectChange, Placeholder } from './plan.ts';

const signs = { created: '+', changed: '~', deleted: '-' } as const;
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Lines, without a final newline. `withRules` prints the rules themselves, else how many change. */
export function planText(plan: NetworkPlan, { withRules }: { readonly withRules: boolean }): string {
  const { objects, slices, records, rules, shares, connections, placeholders, loadBalancers, notes } = plan;
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

function standsFor({ object, field, value }: Placeholder): string {
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
