// `--node-eviction-rate` and its like of `portico server`, as kube-controller-manager has them.
import type { Command } from 'commander';
import type { NodeEvictionConfig } from '../controllers/config.ts';
import { usage } from './flag-values.ts';

export interface NodeEvictionFlags {
  readonly nodeEvictionRate?: string;
  readonly secondaryNodeEvictionRate?: string;
  readonly unhealthyZoneThreshold?: string;
  readonly largeClusterSizeThreshold?: string;
}

export function nodeEvictionOptions(command: Command): void {
  command
    .option('--node-eviction-rate <count>', 'silent nodes of a zone that lose their pods in a second (default: 0.1)')
    .option('--secondary-node-eviction-rate <count>', 'the same in a large zone that is not healthy (default: 0.01)')
    .option('--unhealthy-zone-threshold <part>', 'of a zone that is not healthy; at least 3 nodes (default: 0.55)')
    .option('--large-cluster-size-threshold <count>', 'a zone of more nodes is large (default: 50)');
}

/** Throws a Failure for what is no number that fits. */
export function nodeEvictionConfig(flags: NodeEvictionFlags): NodeEvictionConfig {
  const rate = numberOf('--node-eviction-rate', flags.nodeEvictionRate);
  const secondaryRate = numberOf('--secondary-node-eviction-rate', flags.secondaryNodeEvictionRate);
  const unhealthyZoneThreshold = numberOf('--unhealthy-zone-threshold', flags.unhealthyZoneThreshold, 1);
  const largeClusterSizeThreshold = numberOf('--large-cluster-size-threshold', flags.largeClusterSizeThreshold);
  return {
    ...(rate !== undefined && { rate }),
    ...(secondaryRate !== undefined && { secondaryRate }),
    ...(unhealthyZoneThreshold !== undefined && { unhealthyZoneThreshold }),
    ...(largeClusterSizeThreshold !== undefined && { largeClusterSizeThreshold }),
  };
}

function numberOf(flag: string, text: string | undefined, most = Number.POSITIVE_INFINITY): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number <= most) return number;
  const bound = most === Number.POSITIVE_INFINITY ? '' : `, ${most} at most`;
  throw usage(`${flag} ${text}: must be a number of 0 or more${bound}`);
}
