import { baseJumps } from './base.ts';
import { chains, isServiceChain } from './names.ts';
import type { Footprint } from './programs.ts';

const shared = new Set<string>(Object.values(chains));

/** What the iptables mode leaves in the kernel. */
export const iptablesFootprint: Footprint = {
  jumps: baseJumps(),
  isOwn: (_table, chain) => isServiceChain(chain) || shared.has(chain),
};
