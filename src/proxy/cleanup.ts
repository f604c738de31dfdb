// --cleanup, and the start of a mode: the rules that other modes have left go.
import type { Exec } from '../system/exec.ts';
import type { Footprint } from './iptables/footprint.ts';
import { type IptablesVariant, iptablesVariants, withVariant } from './iptables/variant.ts';
import type { IpvsSettings } from './ipvs/settings.ts';
import type { ProxyMode } from './settings.ts';

export interface CleanupOptions {
  /** The mode that goes on. */
  readonly except?: ProxyMode;
  /** Of the mode that goes on, where the programs bear the name of their kind. */
  readonly variant?: IptablesVariant | undefined;
  readonly ipvs?: IpvsSettings | undefined;
}

type Step = () => Promise<void>;

function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The chains and jumps of the mode that goes on: iptables and ipvs share some. */
async function footprintOf(mode: ProxyMode | undefined): Promise<Footprint | undefined> {
  if (mode === 'iptables') return (await import('./iptables/footprint.ts')).iptablesFootprint;
  if (mode === 'ipvs') return (await import('./ipvs/rules.ts')).ipvsFootprint;
  return undefined;
}

/** All kinds of iptables that the mode which goes on does not use, and those it shares with others. */
function iptablesSteps(exec: Exec, { except, variant }: CleanupOptions, kept: Footprint | undefined): Step[] {
  const goesOn = except === 'iptables' || except === 'ipvs';
  const remove = async (inUse: IptablesVariant | undefined, shared: Footprint | undefined) =>
    (await import('./iptables/backend.ts')).cleanupIptables(withVariant(exec, inUse), shared);
  const others = iptablesVariants.filter((other) => !goesOn || (variant && other !== variant));
  const steps = others.map((other) => () => remove(other, undefined));
  if (except !== 'iptables') {
    steps.push(() => remove(variant, kept));
    steps.push(async () => (await import('./iptables/kernel-facts.ts')).removeCounters(exec));
  }
  return steps;
}

/** Removes the rules of every mode but one, or of all; where a mode's programs are missing, it left no rules either. */
export async function cleanup(exec: Exec, options: CleanupOptions = {}): Promise<void> {
  const { except, variant, ipvs } = options;
  const kept = await footprintOf(except);
  const steps: Step[] = [];
  if (except !== 'nftables') {
    steps.push(async () => (await import('./nftables/backend.ts')).cleanupNftables(exec));
  }
  if (except !== 'ipvs') {
    const own = withVariant(exec, variant);
    steps.push(async () => (await import('./ipvs/cleanup.ts')).cleanupIpvs(own, { kept, settings: ipvs }));
  }
  steps.push(...iptablesSteps(exec, options, kept));
  for (const remove of steps) {
    try {
      await remove();
    } catch (error) {
      if (!isMissingProgram(error)) throw error;
    }
  }
}
