// What the ipvs mode leaves in the kernel when it is no longer run: virtual servers, kube-ipvs0, sets and chains.
import type { Exec } from '../../system/exec.ts';
import { contains } from '../address.ts';
import { type Footprint, removeFootprint } from '../iptables/footprint.ts';
import { IpvsKernel } from './kernel.ts';
import { ipvsFootprint } from './rules.ts';
import type { IpvsSettings } from './settings.ts';

export interface IpvsCleanup {
  /** The mode that goes on: what it shares with this one stays. */
  readonly kept?: Footprint | undefined;
  readonly settings?: IpvsSettings | undefined;
}

/**
 * Takes everything of the ipvs mode away. Without kube-ipvs0 there was none of it, and virtual servers are somebody
 * else's; with it they are ours, as they are when the mode runs.
 */
export async function cleanupIpvs(exec: Exec, { kept, settings = {} }: IpvsCleanup = {}): Promise<void> {
  const kernel = new IpvsKernel(exec);
  if (!(await kernel.hasDevice())) return;
  await removeFootprint(exec, ipvsFootprint, kept);
  const excluded = settings.excludeCIDRs ?? [];
  const { servers } = await kernel.servers();
  const own = servers.filter(({ address }) => !excluded.some((cidr) => contains(cidr, address)));
  await kernel.applyServers(own.map((server) => ({ verb: 'delete-server', server })));
  await kernel.destroySets((await kernel.sets()).map(({ name }) => name));
  // Last, since it tells that there is something to clean up.
  await kernel.removeDevice();
}
