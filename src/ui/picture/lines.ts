// The lines between boxes: from doors over slices to pods, with the share of new connections; or the way of a trace. Pure.
import type { EndpointItem, ServiceItem, SliceItem, TrafficItem } from '../../explain/picture/picture.ts';
import type { Trace, TraceOutcome } from '../../explain/trace/trace.ts';
import type { World } from '../state/world.ts';
import { elsewhere, type Layout, nowhere } from './layout.ts';

export interface Line {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** `33 %`, or the number of a step. */
  readonly label: string;
  readonly kind: 'owns' | 'carries' | 'idle' | 'go' | 'back' | 'fail';
}

export const outside = 'Outside';
export const percent = (share: number): string => `${Math.round(share * 100)} %`;

export function linesOf(world: World, layout: Layout): Line[] {
  return layout.slices.flatMap(({ slice }) => {
    const { service = '' } = slice;
    if (!world.items.has(service)) return [];
    const owns: Line = { id: `${service} > ${slice.id}`, from: service, to: slice.id, label: '', kind: 'owns' };
    return [owns, ...endpointLines(slice, { world, layout, traffic: world.trafficOf.get(service) })];
  });
}

interface Around {
  readonly world: World;
  readonly layout: Layout;
  readonly traffic: TrafficItem | undefined;
}

function endpointLines(slice: SliceItem, around: Around): Line[] {
  const shares = new Map<string, { share: number; isUsed: boolean }>();
  for (const endpoint of slice.endpoints) {
    const to = boxOf(endpoint, around);
    const share = shareOf(endpoint, around.traffic);
    const before = shares.get(to) ?? { share: 0, isUsed: false };
    shares.set(to, { share: before.share + share, isUsed: before.isUsed || share > 0 });
  }
  return [...shares].map(([to, { share, isUsed }]) => ({
    id: `${slice.id} > ${to}`,
    from: slice.id,
    to,
    label: isUsed ? percent(share) : '',
    kind: isUsed ? 'carries' : 'idle',
  }));
}

/** The box that stands for an endpoint: its pod where pods have boxes, else its node. */
function boxOf({ target, node, address }: EndpointItem, { world, layout }: Around): string {
  if (target !== undefined && world.items.has(target)) return layout.isGrouped ? machineOf(world, target) : target;
  return node === undefined ? `${elsewhere} ${address}` : `Node ${node}`;
}

function machineOf(world: World, podId: string): string {
  const pod = world.items.get(podId);
  return pod?.kind === 'Pod' && pod.node !== undefined ? `Node ${pod.node}` : nowhere;
}

/** The share of an endpoint, of the first port that sends anything there: every port of a Service has the same endpoints, as a rule. */
export function shareOf({ address }: Pick<EndpointItem, 'address'>, traffic: TrafficItem | undefined): number {
  for (const { shares } of traffic?.ports ?? []) {
    for (const [endpoint, share] of Object.entries(shares)) {
      if (addressOf(endpoint) === address) return share;
    }
  }
  return 0;
}

/** Of `address:port`, `[address]:port`. */
export function addressOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** The share of new connections that no endpoint gets, of the port that is worst off; what one family answers is not lost. */
export function lostOf(service: Pick<ServiceItem, 'id'>, world: World): number {
  const ports = Map.groupBy(
    world.trafficOf.get(service.id)?.ports ?? [],
    ({ port, protocol }) => `${port} ${protocol}`,
  );
  return Math.max(0, ...[...ports.values()].map((families) => Math.min(...families.map(({ lost }) => lost))));
}

/** The boxes that a traced packet visits, one after the other. */
export function traceLines(trace: Trace, world: World, layout: Layout): Line[] {
  const sender = boxOfText(trace.from.text, world, layout) ?? outside;
  const door = trace.service && `Service ${trace.service.service}`;
  const first: Line[] = door ? [{ id: 'trace 1', from: sender, to: door, label: '1', kind: 'go' }] : [];
  const start = door ?? sender;
  const way = trace.outcomes.flatMap((outcome, i) => outcomeLines(outcome, { world, layout, start, sender, i }));
  return [...first, ...way];
}

interface Way {
  readonly world: World;
  readonly layout: Layout;
  readonly start: string;
  readonly sender: string;
  readonly i: number;
}

function outcomeLines(outcome: TraceOutcome, { world, layout, start, sender, i }: Way): Line[] {
  const { result, target, probability, reply } = outcome;
  const isThere = result === 'arrives';
  const node = outcome.hops.at(-1)?.node;
  const end = isThere
    ? boxOfText(target, world, layout)
    : result === 'leaves the cluster'
      ? outside
      : node === undefined
        ? undefined
        : `Node ${node}`;
  if (end === undefined || end === start) return [];
  const there: Line = {
    id: `trace 2 ${i}`,
    from: start,
    to: end,
    label: `2 · ${isThere ? percent(probability) : result}`,
    kind: isThere || result === 'leaves the cluster' ? 'go' : 'fail',
  };
  const isAnswered = reply.length > 0 && i === 0 && end !== sender;
  return isAnswered ? [there, { id: `trace 3 ${i}`, from: end, to: sender, label: '3', kind: 'back' }] : [there];
}

/** The box of `pod default/a`, `node b`. */
function boxOfText(text: string, world: World, layout: Layout): string | undefined {
  const [kind = '', name = ''] = text.split(' ');
  if (kind === 'pod') return layout.isGrouped ? machineOf(world, `Pod ${name}`) : `Pod ${name}`;
  return kind === 'node' ? `Node ${name}` : undefined;
}
