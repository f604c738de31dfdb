// Applies the nftables tables of both families, each sync in one transaction of the kernel.
import { renderTransaction } from '../../nftables/render.ts';
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import type { Follow } from '../../system/follow.ts';
import type { IPFamily } from '../address.ts';
import { type Backend, SyncError } from '../backend.ts';
import type { ProxyConfig } from '../config.ts';
import type { ServicePortPlan } from '../plan.ts';
import { nftFamily, tableName } from './base.ts';
import { NftablesState } from './state.ts';

export interface NftablesBackendOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly follow?: Follow | undefined;
}

/** How long to wait before a monitor that ended is started again, in milliseconds. */
const monitorRestart = 1000;

export class NftablesBackend implements Backend {
  readonly #options: NftablesBackendOptions;
  #states = new Map<IPFamily, NftablesState>();
  #whole = true;

  constructor(options: NftablesBackendOptions) {
    this.#options = options;
  }

  configure(configs: readonly ProxyConfig[]): void {
    this.#states = new Map(configs.map((config) => [config.family, new NftablesState(config)]));
    this.#whole = true;
  }

  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void {
    this.#states.get(family)?.set(owner, plan);
  }

  async sync({ full }: { readonly full: boolean }): Promise<void> {
    const whole = full || this.#whole;
    const transactions = [...this.#states.values()].map((state) => (whole ? state.takeAll() : state.take()));
    const script = transactions.map((transaction) => (transaction ? renderTransaction(transaction) : '')).join('');
    if (script === '') return;
    // Until the kernel has taken it, nothing is known of what the kernel holds.
    this.#whole = true;
    await runNft(this.#options.exec, script);
    this.#whole = false;
  }

  async intact(): Promise<boolean> {
    for (const state of this.#states.values()) {
      const { family, chains } = state.expectation();
      const { code, stdout } = await this.#options.exec.run(['nft', 'list', 'chains', family]);
      if (code !== 0) return false;
      // Of every table its chains are listed, ours among them.
      const [, own = ''] = stdout.split(`table ${family} ${tableName} {`);
      const listed = new Set([...own.split('\n}')[0]!.matchAll(/\bchain (\S+)/g)].map((match) => match[1]!));
      for (const chain of chains) if (!listed.has(chain)) return false;
    }
    return true;
  }

  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    const { follow, clock } = this.#options;
    if (!follow) return;
    while (!signal.aborted) {
      try {
        // `destroy tables` costs the kernel and nft next to nothing; other monitors would hold a copy of all elements.
        for await (const line of follow.lines(['nft', 'monitor', 'destroy', 'tables'], signal)) {
          if (line.endsWith(` ${tableName}`)) changed();
        }
        await clock.sleep(monitorRestart, signal);
      } catch {
        // The program is missing or the signal aborted: rules are still checked from time to time.
        return;
      }
    }
  }
}

async function runNft(exec: Exec, script: string): Promise<void> {
  const { code, stderr } = await exec.run(['nft', '-f', '-'], { input: script });
  if (code !== 0)
    throw new SyncError(`nft: ${stderr.trim().split('\n').slice(0, 3).join(' | ') || `exit code ${code}`}`);
}

/** Removes the tables of both families; nothing happens where there are none. */
export async function cleanupNftables(exec: Exec): Promise<void> {
  const families = (['IPv4', 'IPv6'] as const).map((family) => nftFamily({ family }));
  await runNft(
    exec,
    families.map((family) => `add table ${family} ${tableName}\ndelete table ${family} ${tableName}\n`).join(''),
  );
}
