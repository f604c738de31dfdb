// Which part of the cluster CIDR a node's pods live in.
import { addressAt, type CIDR, cidrOf, formatCIDR, overlaps, parseCIDR, sizeOf } from '../../net/cidr.ts';
import { bitsOf } from '../../net/ip.ts';

/** Lengths of nodes' prefixes where nothing else is said. */
export const nodeCIDRMaskSizes = { IPv4: 24, IPv6: 64 };

export interface NodeCIDRRange {
  readonly cluster: CIDR;
  /** Length of a node's prefix. */
  readonly nodeMaskSize: number;
}

/** Reads `--cluster-cidr` values; throws where one is no CIDR or too small for the mask size. */
export function rangesOf(clusterCIDRs: readonly string[], maskSizes: { IPv4: number; IPv6: number }): NodeCIDRRange[] {
  return clusterCIDRs.map((text) => {
    const cluster = parseCIDR(text);
    if (!cluster) throw new Error(`the cluster CIDR ${text} is no CIDR`);
    const nodeMaskSize = maskSizes[cluster.family];
    if (nodeMaskSize < cluster.prefixLength) {
      throw new Error(`the cluster CIDR ${text} is smaller than a node's /${nodeMaskSize}`);
    }
    return { cluster, nodeMaskSize };
  });
}

/** The lowest free block of each range, or undefined when one is full. `taken` are the podCIDRs of all other nodes. */
export function allocate(ranges: readonly NodeCIDRRange[], taken: readonly string[]): string[] | undefined {
  const used = taken.map(parseCIDR).filter((cidr) => cidr !== undefined);
  const blocks: string[] = [];
  for (const range of ranges) {
    const block = firstFree(range, used);
    if (block === undefined) return undefined;
    blocks.push(block);
  }
  return blocks;
}

function firstFree({ cluster, nodeMaskSize }: NodeCIDRRange, used: readonly CIDR[]): string | undefined {
  const blockSize = 1n << BigInt(bitsOf(cluster.family) - nodeMaskSize);
  const same = used.filter((cidr) => cidr.family === cluster.family);
  const exact = new Set(same.filter((c) => c.prefixLength === nodeMaskSize).map((c) => c.base));
  const odd = same.filter((c) => c.prefixLength !== nodeMaskSize);
  for (let index = 0n; index * blockSize < sizeOf(cluster); index += 1n) {
    const block = cidrOf(addressAt(cluster, index * blockSize), nodeMaskSize);
    if (!exact.has(block.base) && !odd.some((c) => overlaps(c, block))) return formatCIDR(block);
  }
  return undefined;
}
