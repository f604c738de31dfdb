// What a DELETE does to an object: removes it, or marks it and lets it wait for its finalizers and its grace period
// (upstream rest.BeforeDelete and Store.Delete).
import type { KubeObject } from '../../apimachinery/object.ts';
import { invalid } from '../../apimachinery/status.ts';
import { formatTime, parseTime } from '../../apimachinery/time.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export type Deletion =
  | { readonly type: 'remove' }
  /** The object waits, and nothing changes. */
  | { readonly type: 'wait' }
  /** The object, marked, takes the place of the old one. */
  | { readonly type: 'mark'; readonly object: KubeObject };

export interface DeletionRequest {
  /** A copy that may be changed. */
  readonly object: KubeObject;
  readonly options: DeleteOptions;
  /** What the kind waits by itself; undefined for kinds without graceful deletion. */
  readonly gracePeriodSeconds: number | undefined;
  /** What depends on it stays, where neither options nor finalizers say otherwise. */
  readonly orphansByDefault?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const orphan = 'orphan';
const foreground = 'foregroundDeletion';

export function planDeletion(request: DeletionRequest): Deletion {
  const { object, now } = request;
  const { metadata } = object;
  const grace = planGrace(request);
  if (grace === 'pending') return { type: 'wait' };
  const finalizers = garbageCollectionFinalizers(metadata.finalizers ?? [], request);
  const changed = finalizers.join() !== (metadata.finalizers ?? []).join();
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = finalizers;
  const held = finalizers.length > 0 || (grace.graceful && (metadata.deletionGracePeriodSeconds ?? 0) > 0);
  if (!held) return { type: 'remove' };
  if (!grace.graceful && metadata.deletionTimestamp !== undefined && !changed) return { type: 'wait' };
  if (!grace.graceful) markAsDeleting(object, now);
  return { type: 'mark', object };
}

function planGrace({ object, options, gracePeriodSeconds, now }: DeletionRequest): 'pending' | { graceful: boolean } {
  const { metadata } = object;
  const wanted = options.gracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined) {
    const present = metadata.deletionGracePeriodSeconds ?? 0;
    if (present === 0) return { graceful: false };
    if (wanted === undefined || wanted >= present) return 'pending';
    const since = (parseTime(metadata.deletionTimestamp) ?? now) - present * 1000;
    metadata.deletionTimestamp = formatTime(since + wanted * 1000);
    metadata.deletionGracePeriodSeconds = wanted;
    return { graceful: true };
  }
  if (gracePeriodSeconds === undefined) return { graceful: false };
  const period = gracePeriodSeconds === 0 ? 0 : Math.max(wanted ?? gracePeriodSeconds, wanted === 0 ? 0 : 1);
  metadata.deletionTimestamp = formatTime(now + period * 1000);
  metadata.deletionGracePeriodSeconds = period;
  if ((metadata.generation ?? 0) > 0) metadata.generation = metadata.generation! + 1;
  return { graceful: true };
}

function markAsDeleting(object: KubeObject, now: number): void {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined && (metadata.generation ?? 0) > 0) metadata.generation! += 1;
  metadata.deletionTimestamp ??= formatTime(now);
  metadata.deletionGracePeriodSeconds = 0;
}

/** Whether the client says what is to become of dependents. */
export function saysOfDependents({ propagationPolicy, orphanDependents }: DeleteOptions): boolean {
  return propagationPolicy !== undefined || orphanDependents !== undefined;
}

/** The finalizers that the garbage collector acts on, as the options ask for them. */
function garbageCollectionFinalizers(
  present: readonly string[],
  { options, orphansByDefault = false }: Pick<DeletionRequest, 'options' | 'orphansByDefault'>,
): string[] {
  const { propagationPolicy, orphanDependents } = options;
  const asked = saysOfDependents(options);
  const wantsOrphan = asked
    ? propagationPolicy === 'Orphan' || orphanDependents === true
    : present.includes(orphan) || (orphansByDefault && !present.includes(foreground));
  const wantsForeground = asked ? propagationPolicy === 'Foreground' : present.includes(foreground);
  const rest = present.filter((f) => (f !== orphan || wantsOrphan) && (f !== foreground || wantsForeground));
  if (wantsOrphan && !rest.includes(orphan)) rest.push(orphan);
  if (wantsForeground && !rest.includes(foreground)) rest.push(foreground);
  return rest;
}

/** An update that takes the last finalizer of an object that is being deleted removes it. */
export function isRemovedByUpdate(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return deletionTimestamp !== undefined && (finalizers?.length ?? 0) === 0 && (deletionGracePeriodSeconds ?? 0) === 0;
}

const policies = ['Foreground', 'Background', 'Orphan', 'nil'];

/** 422 for options that make no sense. */
export function validateDeleteOptions(options: {
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly dryRun?: readonly string[];
}): void {
  const errors = [];
  const { propagationPolicy, orphanDependents, dryRun = [] } = options;
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(fieldError.invalid('propagationPolicy', propagationPolicy, detail));
  }
  if (propagationPolicy !== undefined && !policies.slice(0, 3).includes(propagationPolicy)) {
    errors.push(fieldError.notSupported('propagationPolicy', propagationPolicy, policies));
  }
  if (dryRun.some((value) => value !== 'All')) errors.push(fieldError.notSupported('dryRun', dryRun, ['All']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
}
