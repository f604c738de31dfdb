import type { Exec } from '../system/exec.ts';
import type { ProxyMode } from './settings.ts';

function isMissingProgram(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Removes the rules of every mode but one, or of all; where a mode's programs are missing, it left no rules either. */
export async function cleanup(exec: Exec, { except }: { readonly except?: ProxyMode } = {}): Promise<void> {
  const steps: [ProxyMode, () => Promise<void>][] = [
    ['nftables', async () => (await import('./nftables/backend.ts')).cleanupNftables(exec)],
    ['iptables', async () => (await import('./iptables/backend.ts')).cleanupIptables(exec)],
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
