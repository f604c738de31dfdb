// What the Service world was like at earlier revisions: a beginning, and the changes since, each with its time.
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { idOf } from '../object-id.ts';
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

export interface Recorded extends Change {
  /** What there was before: the past is the present with changes undone. */
  readonly before: Readonly<KubeObject> | undefined;
}

export class History {
  readonly #limits: HistoryLimits;
  readonly #latest = new Map<string, Readonly<KubeObject>>();
  #began: Moment = { revision: 0, time: 0 };
  /** Those before `#kept` are forgotten, and leave the list when they are half of it. */
  #changes: Recorded[] = [];
  #kept = 0;
  #isResumed = false;

  constructor(limits: HistoryLimits = usualLimits) {
    this.#limits = limits;
  }

  /** Goes on where an earlier record ended: `changes` oldest first. Before {@link begin}, of the world as it was then. */
  resume(began: Moment, changes: readonly Recorded[]): void {
    this.#changes = [...changes];
    this.#began = began;
    this.#isResumed = true;
  }

  /** An object that was there when the record began, or ended. Before any {@link record}. */
  begin(object: Readonly<KubeObject>, time: number): void {
    this.#latest.set(idOf(object), object);
    // What is resumed began earlier.
    if (this.#isResumed) return;
    this.#began = { revision: Math.max(this.#began.revision, revisionOf(object)), time };
  }

  /** An object as it is now, whether or not that is news; undefined when it is none. */
  present(object: Readonly<KubeObject>, time: number): Recorded | undefined {
    const known = this.#latest.get(idOf(object));
    return known && revisionOf(known) === revisionOf(object) ? undefined : this.record(object, time);
  }

  /** Those of which nobody said that they are gone. */
  known(): readonly Readonly<KubeObject>[] {
    return [...this.#latest.values()];
  }

  /**
   * A change as it becomes known; those of one kind in their order. `time` is milliseconds since the epoch. Undefined for
   * what is no change.
   */
  record(object: Readonly<KubeObject>, time: number, isGone = false): Recorded | undefined {
    const id = idOf(object);
    const latest = this.#latest.get(id);
    if (!isGone && latest && isHeartbeat(latest, object)) return undefined;
    if (isGone) this.#latest.delete(id);
    else this.#latest.set(id, object);
    const before = latest && slimmed(latest);
    const change = isGone ? 'deleted' : before ? 'changed' : 'created';
    const entry: Recorded = { revision: revisionOf(object), time, id, change, before };
    // Kinds are watched one by one, so neighbours may come in another order than they were made.
    let at = this.#changes.length;
    while (at > this.#kept && this.#changes[at - 1]!.revision > entry.revision) at -= 1;
    if (at === this.#changes.length) this.#changes.push(entry);
    else this.#changes.splice(at, 0, entry);
    this.#trim(time);
    return entry;
  }

  get first(): Moment {
    return this.#began;
  }

  get last(): Moment {
    return momentOf((this.#kept < this.#changes.length ? this.#changes.at(-1) : undefined) ?? this.#began);
  }

  /** Oldest first. */
  changes(): readonly Change[] {
    return this.#changes.slice(this.#kept).map(({ revision, time, id, change }) => ({ revision, time, id, change }));
  }

  /** The world as of a revision, or of a time; undefined when that is before what is kept. */
  at(when: { readonly revision: number } | { readonly time: number }): World | undefined {
    const isAfter = (moment: Moment) =>
      'revision' in when ? moment.revision > when.revision : moment.time > when.time;
    if (isAfter(this.#began)) return undefined;
    const changes = this.#changes.slice(this.#kept);
    const first = changes.findIndex(isAfter);
    const later = first < 0 ? [] : changes.splice(first);
    const objects = new Map(this.#latest);
    for (const { id, before } of later.reverse()) {
      if (before) objects.set(id, before);
      else objects.delete(id);
    }
    return { ...momentOf(changes.at(-1) ?? this.#began), objects: [...objects.values()] };
  }

  #trim(now: number): void {
    const { maxAge, maxChanges } = this.#limits;
    const isTooMuch = () => this.#changes.length - this.#kept > maxChanges;
    while (this.#kept < this.#changes.length && (isTooMuch() || this.#changes[this.#kept]!.time < now - maxAge)) {
      this.#began = momentOf(this.#changes[this.#kept]!);
      this.#kept += 1;
    }
    // Each change is moved once for each that is forgotten, however long the list is.
    if (this.#kept * 2 <= this.#changes.length) return;
    this.#changes = this.#changes.slice(this.#kept);
    this.#kept = 0;
  }
}

function momentOf({ revision, time }: Moment): Moment {
  return { revision, time };
}

/** Revisions count to less than 2^53; 0 for an object that no server has. */
export function revisionOf({ metadata }: Readonly<KubeObject>): number {
  return Number(metadata.resourceVersion ?? 0);
}

/** Who set which field is much, and nobody asks history for it. The present objects are everybody's: they stay as they are. */
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
