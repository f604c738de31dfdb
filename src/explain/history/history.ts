// What the Service world was like at earlier revisions: a beginning, and the changes since, each with its time.
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { idOf } from '../picture/items.ts';
import type { Moment } from '../picture/picture.ts';

export interface Change extends Moment {
  /** `Pod default/web-1`. */
  readonly id: string;
  readonly change: 'created' | 'changed' | 'deleted';
}

export interface World extends Moment {
  readonly objects: readonly KubeObject[];
}

export interface HistoryLimits {
  /** Milliseconds for which changes are kept. */
  readonly maxAge: number;
  /** How many changes are kept at most. */
  readonly maxChanges: number;
}

export const usualLimits: HistoryLimits = { maxAge: 3_600_000, maxChanges: 10_000 };

interface Recorded extends Change {
  readonly object: Readonly<KubeObject> | undefined;
}

type Objects = Map<string, Readonly<KubeObject>>;

export class History {
  readonly #limits: HistoryLimits;
  /** The world before the first change that is kept. */
  readonly #base: Objects = new Map();
  #began: Moment = { revision: 0, time: 0 };
  #changes: Recorded[] = [];
  readonly #latest: Objects = new Map();

  constructor(limits: HistoryLimits = usualLimits) {
    this.#limits = limits;
  }

  /** An object that was there when the record began. Before any {@link record}. */
  begin(object: Readonly<KubeObject>, time: number): void {
    const slim = slimmed(object);
    this.#base.set(idOf(slim), slim);
    this.#latest.set(idOf(slim), slim);
    this.#began = { revision: Math.max(this.#began.revision, revisionOf(object)), time };
  }

  /** A change as it becomes known; those of one kind in their order. `time` is milliseconds since the epoch. */
  record(object: Readonly<KubeObject>, time: number, isGone = false): void {
    const id = idOf(object);
    const before = this.#latest.get(id);
    const slim = slimmed(object);
    if (!isGone && before && isHeartbeat(before, slim)) return;
    if (isGone) this.#latest.delete(id);
    else this.#latest.set(id, slim);
    const change = isGone ? 'deleted' : before ? 'changed' : 'created';
    const entry: Recorded = { revision: revisionOf(object), time, id, change, object: isGone ? undefined : slim };
    // Kinds are watched one by one, so neighbours may come in another order than they were made.
    let at = this.#changes.length;
    while (at > 0 && this.#changes[at - 1]!.revision > entry.revision) at -= 1;
    this.#changes.splice(at, 0, entry);
    this.#trim(time);
  }

  get first(): Moment {
    return this.#began;
  }

  get last(): Moment {
    const { revision, time } = this.#changes.at(-1) ?? this.#began;
    return { revision, time };
  }

  /** Oldest first. */
  changes(): readonly Change[] {
    return this.#changes.map(({ revision, time, id, change }) => ({ revision, time, id, change }));
  }

  /** The world as of a revision, or of a time; undefined when that is before what is kept. */
  at(when: { readonly revision: number } | { readonly time: number }): World | undefined {
    const isBefore = (moment: Moment) =>
      'revision' in when ? moment.revision <= when.revision : moment.time <= when.time;
    if (!isBefore(this.#began)) return undefined;
    const objects = new Map(this.#base);
    let moment = this.#began;
    for (const change of this.#changes) {
      if (!isBefore(change)) break;
      apply(objects, change);
      moment = { revision: change.revision, time: change.time };
    }
    return { ...moment, objects: [...objects.values()] };
  }

  #trim(now: number): void {
    const { maxAge, maxChanges } = this.#limits;
    let drop = Math.max(0, this.#changes.length - maxChanges);
    while (drop < this.#changes.length && this.#changes[drop]!.time < now - maxAge) drop += 1;
    if (drop === 0) return;
    for (const change of this.#changes.splice(0, drop)) {
      apply(this.#base, change);
      this.#began = { revision: change.revision, time: change.time };
    }
  }
}

function apply(objects: Objects, { id, object }: Recorded): void {
  if (object) objects.set(id, object);
  else objects.delete(id);
}

export function revisionOf({ metadata }: Readonly<KubeObject>): number {
  return Number(metadata.resourceVersion ?? 0);
}

/** Who set which field is much, and nobody asks history for it. */
function slimmed(object: Readonly<KubeObject>): Readonly<KubeObject> {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** A node that says again what it said before. */
function isHeartbeat(before: Readonly<KubeObject>, after: Readonly<KubeObject>): boolean {
  return after.kind === 'Node' && jsonEqual(significantOf(before), significantOf(after));
}

function significantOf(object: Readonly<KubeObject>) {
  const { metadata, spec, status } = object as KubeObject & {
    spec?: unknown;
    status?: { addresses?: unknown; conditions?: { type: string; status: string }[] };
  };
  const conditions = (status?.conditions ?? []).map(({ type, status: is }) => `${type} ${is}`);
  return { labels: metadata.labels, spec, addresses: status?.addresses, conditions };
}
