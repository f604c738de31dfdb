// Compares the tables with the kernel's beside the syncs, since nft takes a good part of a second to list 50,000 elements. Small
// sets come first, and what differs in one is put right before the next is listed.
import type { Clock } from '../../system/clock.ts';
import type { Exec } from '../../system/exec.ts';
import { tableName } from './base.ts';
import { Contest } from './contest.ts';
import { hasStructure, type Listing, listCommand, readListing } from './listing.ts';
import type { NftablesState } from './state.ts';

export interface ComparisonOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly states: () => Iterable<NftablesState>;
  /**
   * `settled` when the kernel is known to hold what the states last gave; `writing` when it soon will be; `unknown` when
   * all is to be written anyway.
   */
  readonly standing: () => 'settled' | 'writing' | 'unknown';
  /** `elements`: the next `take` of a state puts right what differs; `more`: all of it must be written. */
  readonly onDifference: (what: Difference) => void;
}

export type Difference = 'elements' | 'more';

/** What to compare: the elements of all sets, or the rules as well. */
export type Scope = 'elements' | 'all';

/** What is suspected in quick succession is compared once; milliseconds. */
const leastWait = 25;

/** After a comparison that found nothing the next waits so many times the time that it took. */
const restShare = 5;

export class Comparison {
  readonly #options: ComparisonOptions;
  #wanted: Scope | undefined;
  #running = false;
  #earliest = 0;
  /** Where each finds something, someone fights us, or nft prints what we do not know. */
  readonly #contest = new Contest();

  constructor(options: ComparisonOptions) {
    this.#options = options;
  }

  /** Compares soon; what is suspected while a comparison runs is compared after it: of what is listed already it says nothing. */
  suspect(scope: Scope): void {
    this.#wanted = this.#wanted === 'all' ? 'all' : scope;
    if (this.#running) return;
    this.#running = true;
    this.#schedule();
  }

  /** One at a time: with many elements and a busy machine each takes long. */
  #schedule(): void {
    const { clock } = this.#options;
    clock.after(Math.max(leastWait, this.#earliest - clock.monotonic()), async () => {
      // A kernel that cannot be asked is found out by the next sync.
      await this.#run().catch(() => {});
      if (this.#wanted === undefined) this.#running = false;
      else this.#schedule();
    });
  }

  async #run(): Promise<void> {
    const { clock, states } = this.#options;
    const scope = this.#wanted;
    this.#wanted = undefined;
    const start = clock.monotonic();
    let found = false;
    for (const state of states()) {
      if (await (scope === 'all' ? this.#compareTable(state) : this.#compareSets(state))) found = true;
    }
    const end = clock.monotonic();
    this.#earliest = found ? this.#contest.found(end) : end + restShare * (end - start);
  }

  async #compareTable(state: NftablesState): Promise<boolean> {
    if (!(await this.#startListing(state))) return false;
    const listing = await this.#list(['table', state.family, tableName]);
    if (listing === 'unknown' || !state.isListing) return false;
    if (listing === 'missing' || !hasStructure(state.table(), listing)) return this.#differs('more');
    return this.#findDifferences(state, listing);
  }

  async #compareSets(state: NftablesState): Promise<boolean> {
    let found = false;
    for (const { kind, name } of state.setsBySize()) {
      if (!(await this.#startListing(state))) return found;
      const listing = await this.#list([kind, state.family, tableName, name]);
      if (!state.isListing) return found;
      if (listing === 'missing') return this.#differs('more');
      if (listing !== 'unknown' && this.#findDifferences(state, listing)) found = true;
    }
    return found;
  }

  /** Waits until all that was taken of the state is in the kernel; false when all is to be written anyway. */
  async #startListing(state: NftablesState): Promise<boolean> {
    const { clock, standing } = this.#options;
    while (standing() === 'writing') await clock.sleep(leastWait);
    if (standing() === 'unknown') return false;
    state.startListing();
    return true;
  }

  #findDifferences(state: NftablesState, { sets }: Listing): boolean {
    const findings = [...sets].map(([name, elements]) => state.compare(name, elements));
    if (findings.includes('more')) return this.#differs('more');
    return findings.includes('elements') && this.#differs('elements');
  }

  #differs(what: Difference): true {
    this.#options.onDifference(what);
    return true;
  }

  async #list(what: readonly string[]): Promise<Listing | 'missing' | 'unknown'> {
    const { code, stdout, stderr } = await this.#options.exec.run([...listCommand, ...what]);
    if (code === 0) return readListing(stdout);
    return stderr.includes('No such file') ? 'missing' : 'unknown';
  }
}
