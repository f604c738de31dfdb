// The ranges of addresses that a cluster is asked to have, judged before anything is made of them.
import { nodeCIDRMaskSizes } from '../controllers/nodeipam/reconcile.ts';
import { type CIDR, formatCIDR, overlaps, parseCIDR, parseCIDRSloppy } from '../net/cidr.ts';
import { bitsOf } from '../net/ip.ts';
import { Failure } from './failure.ts';

export const podRangeFlag = '--cluster-cidr';
export const serviceRangeFlag = '--service-cluster-ip-range';

/** Of this host, of one link, of groups, and of nobody: no packet for them crosses a node. */
const neverRouted = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '::/127', 'fe80::/10', 'ff00::/8'];

/** Cluster DNS has the tenth address of a Service range, so a range has sixteen or more. */
const serviceHostBits = 4;

/** One range, or one of each family, as a flag has it. Throws a usage failure that names the flag. */
export function readRanges(flag: string, text: string): readonly CIDR[] {
  const parts = text.split(',').map((part) => part.trim());
  const ranges = parts.map((part) => {
    const range = parseCIDR(part);
    if (range) return range;
    const meant = parseCIDRSloppy(part);
    const hint = meant ? `; the range that holds it is ${formatCIDR(meant.cidr)}` : '';
    throw wrong(flag, `${JSON.stringify(part)} is no range of addresses, such as 10.96.0.0/16 or fd00:96::/112${hint}`);
  });
  if (new Set(ranges.map(({ family }) => family)).size !== ranges.length) {
    throw wrong(flag, `${JSON.stringify(text)} is not one range, or an IPv4 and an IPv6 range with a comma`);
  }
  for (const range of ranges) {
    const special = overlapping(neverRouted, range);
    if (special) throw wrong(flag, `${formatCIDR(range)} has addresses of ${special}, which no network carries`);
  }
  return ranges;
}

/** Ranges of pods: each has room for the block of `nodes` nodes (/24 of IPv4, /64 of IPv6). */
export function readPodRanges(text: string, nodes = 1): readonly CIDR[] {
  const ranges = readRanges(podRangeFlag, text);
  for (const range of ranges) {
    const size = nodeCIDRMaskSizes[range.family];
    const room = range.prefixLength > size ? 0n : 1n << BigInt(size - range.prefixLength);
    if (room >= BigInt(nodes)) continue;
    throw wrong(podRangeFlag, `${formatCIDR(range)} has room for ${room} nodes, each of which takes a /${size}`);
  }
  return ranges;
}

export interface WantedRanges {
  readonly podCIDRs: string;
  readonly serviceCIDRs: string;
  readonly nodes: number;
  /** The subnets of the nodes themselves. */
  readonly nodeSubnets: readonly string[];
}

/** All ranges of a cluster together. Throws a usage failure that names the flag to change. */
export function judgeRanges({ podCIDRs, serviceCIDRs, nodes, nodeSubnets }: WantedRanges): void {
  const pods = readPodRanges(podCIDRs, nodes);
  const services = readRanges(serviceRangeFlag, serviceCIDRs);
  for (const range of services) judgeServiceRange(range);
  const [primary] = services;
  if (primary && !pods.some(({ family }) => family === primary.family)) {
    const why = `Services would have ${primary.family} addresses, and pods (${podRangeFlag} ${podCIDRs}) none`;
    throw wrong(serviceRangeFlag, why);
  }
  const taken = [
    ...pods.map((range) => ({ flag: podRangeFlag, range })),
    ...services.map((range) => ({ flag: serviceRangeFlag, range })),
  ];
  for (const { flag, range } of taken) {
    const subnet = overlapping(nodeSubnets, range);
    if (subnet) throw wrong(flag, `${formatCIDR(range)} overlaps the nodes' own ${subnet}`);
  }
  for (const range of services) {
    const pod = pods.find((other) => overlaps(other, range));
    if (pod) throw wrong(serviceRangeFlag, `${formatCIDR(range)} overlaps ${podRangeFlag} ${formatCIDR(pod)}`);
  }
}

/** The first of these that has an address of the range. */
function overlapping(texts: readonly string[], range: CIDR): string | undefined {
  return texts.find((text) => {
    const other = parseCIDR(text);
    return other !== undefined && overlaps(other, range);
  });
}

function judgeServiceRange(range: CIDR): void {
  const text = formatCIDR(range);
  const hostBits = bitsOf(range.family) - range.prefixLength;
  if (hostBits < serviceHostBits) {
    const least = bitsOf(range.family) - serviceHostBits;
    throw wrong(
      serviceRangeFlag,
      `${text} is too small: cluster DNS has the tenth address of it; take a /${least} or larger`,
    );
  }
  if (range.family === 'IPv6' && range.prefixLength < 64) {
    throw wrong(serviceRangeFlag, `${text} is too large: at most a /64 can be used for Services`);
  }
}

/** `defaults` for pods of these ranges: of families that pods have, in the order of pods, unless IPv4 comes first. */
export function serviceRangesFor(podCIDRs: string, defaults: string): string {
  const families = readRanges(podRangeFlag, podCIDRs).map(({ family }) => family);
  if (families[0] === 'IPv4') return defaults;
  const ranges = readRanges(serviceRangeFlag, defaults);
  return families.flatMap((family) => ranges.filter((range) => range.family === family).map(formatCIDR)).join();
}

function wrong(flag: string, why: string): Failure {
  return new Failure(`${flag}: ${why}`, { exitCode: 2 });
}
