import type { Exec } from '../system/exec.ts';
import type { Footprint } from './iptables/programs.ts';
import type { IpvsSettings } from './ipvs/settings.ts';
import type { ProxyMode } from './settings.ts';

export interface CleanupOptions {
  /** The mode that goes on. */
  readonly except?: ProxyMode;
  readonly ipvs?: IpvsSettings | undefined;
}

function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The chains and jumps of the mode that goes on: iptables and ipvs share some. */
async function footprintOf(mode: ProxyMode | undefined): Promise<Footprint | undefined> {
  if (mode === 'iptables') return (await import('./iptables/footprint.ts')).iptablesFootprint;
  if (mode === 'ipvs') return (await import('./ipvs/rules.ts')).ipvsFootprint;
  return undefined;
}

/** Removes the rules of every mode but one, or of all; where a mode's programs are missing, it left no rules either. */
export async function cleanup(exec: Exec, { except, ipvs }: CleanupOptions = {}): Promise<void> {
  const kept = await footprintOf(except);
  const steps: [ProxyMode, () => Promise<void>][] = [
    ['nftables', async () => (await import('./nftables/backend.ts')).cleanupNftables(exec)],
    ['ipvs', async () => (await import('./ipvs/cleanup.ts')).cleanupIpvs(exec, { kept, settings: ipvs })],
    ['iptables', async () => (await import('./iptables/backend.ts')).cleanupIptables(exec, kept)],
  ];
  for (const [mode, remove] of steps) {
    if (mode === except) continue;
    try {
      await remove();
    } catch (error) {
      if (!isMissingProgram(error)) throw error;
    }
  }
}
