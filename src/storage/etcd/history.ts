// Whether etcd still goes on from what it answered before. Its revision never goes back, in whichever member: where it does, an
// older state of it was put back (`etcdutl snapshot restore`), or another etcd answers by its name.
import { HistoryLostError } from '../storage.ts';

/** What each answer of etcd begins with. */
export interface Header {
  /** Of the cluster of members; its last bits are lost. */
  readonly clusterId: number;
  readonly revision: number;
}

export class History {
  #revision = 0;
  #clusterId: number | undefined;
  #lost: HistoryLostError | undefined;

  /** Before a question: gives the revision that its answer must have at least. Throws once history was lost. */
  ask(): number {
    if (this.#lost) throw this.#lost;
    return this.#revision;
  }

  /** Takes in the answer to a question that went through the leader. Throws a HistoryLostError, from then on always. */
  answered(header: Header | undefined, least: number): void {
    if (this.#lost) throw this.#lost;
    if (!header) return;
    const { clusterId, revision } = header;
    this.#clusterId ??= clusterId;
    if (clusterId !== this.#clusterId) this.#lose('another cluster of etcd answers than before');
    if (revision < least) this.#lose(`etcd's revision went back from ${least} to ${revision}`);
    this.reached(revision);
  }

  /** A watch has come so far. */
  reached(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  #lose(why: string): never {
    this.#lost = new HistoryLostError(why);
    throw this.#lost;
  }
}
