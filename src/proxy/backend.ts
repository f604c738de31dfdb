// What a proxier needs of a rule mode. The modes keep what they want; `sync` brings the kernel to it.
import type { IPFamily } from '../net/ip.ts';
import type { ProxyConfig } from './config.ts';
import type { ServicePortPlan } from './plan.ts';

/** The kernel did not take the rules: which program refused, and what it said. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
}

/** How many rules a table of a family has from us, and how many of them the last sync wrote. */
export interface RuleCounts {
  readonly table: string;
  readonly family: IPFamily;
  readonly total: number;
  readonly last: number;
}

export interface Sync {
  /** Write all of it, not only what changed since the last sync. */
  readonly full: boolean;
  /**
   * Sets plans, some with each step. A sync runs it to its end before anything it does is in force, perhaps while a program takes
   * in what is set already; where the sync fails early, it leaves the rest.
   */
  readonly planning?: Iterable<void>;
}

/** `edited`: someone changed what the next sync puts right; `broken`: a full sync is needed. */
export type Condition = 'intact' | 'edited' | 'broken';

export interface Backend {
  /** Forgets all plans and starts over with these settings, one per family. The next sync is a full one. */
  configure(configs: readonly ProxyConfig[]): void;
  /** Sets what one port of a Service wants, or with undefined that it is gone. */
  set(family: IPFamily, owner: string, plan: ServicePortPlan | undefined): void;
  /**
   * Brings the kernel to what is wanted: by what changed since the last sync, or (`full`, and after a failure) by writing
   * all of it. Rejects with a SyncError.
   */
  sync(how: Sync): Promise<void>;
  /** How the rules of the last sync seem to be. Costs a few milliseconds at any size, but for IPVS, of which no one tells. */
  condition(): Promise<Condition>;
  /** What one port of a Service has in the kernel once synced, in the text of the mode's program. */
  rulesOf?(family: IPFamily, owner: string): readonly string[];
  ruleCounts?(): readonly RuleCounts[];
  /** Calls back whenever the rules may have been removed, until the signal aborts. */
  watch(changed: () => void, signal: AbortSignal): Promise<void>;
}

/** Sets all the plans there are to set. */
export function planAll({ planning = [] }: Sync): void {
  for (const _ of planning);
}
