// What a cluster reaches beyond itself when egress is off.
import { networkInterfaces } from 'node:os';
import { type ClusterRecord, networkLayout } from './layout.ts';

/** The network of its nodes, and all addresses of this machine, which answers itself; undefined where egress is on, or the record does not say. */
export function reachOf(record: ClusterRecord): string[] | undefined {
  if (record.egress !== false) return undefined;
  const { v4, v6 } = networkLayout(record);
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
  return [v4.subnet, v6.subnet, ...own];
}
