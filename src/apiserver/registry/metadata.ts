// What the API server does with metadata on every write, whatever the kind (upstream rest.BeforeCreate, BeforeUpdate).
import type { KubeObject } from '../../apimachinery/object.ts';
import { inOnePiece } from '../../apimachinery/one-piece.ts';
import { badRequest } from '../../apimachinery/status.ts';
import type { Random } from '../../system/random.ts';

/** Upstream's alphabet of generated names: no vowels, nothing that looks like another. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const longestBase = 63 - suffixLength;

/** Five characters for names that are made up. */
export function randomSuffix(random: Random): string {
  let text = '';
  for (let i = 0; i < suffixLength; i++) text += alphabet[random.int(alphabet.length)];
  return text;
}

/** A name from metadata.generateName. */
export function generatedName(base: string, random: Random): string {
  return inOnePiece(base.slice(0, longestBase) + randomSuffix(random));
}

/** Metadata that the server alone gives: called for every object that is created. `now` as in metadata.creationTimestamp. */
export function fillSystemMetadata(object: KubeObject, now: string, uid: string): void {
  const { metadata } = object;
  dropSystemMetadata(object);
  metadata.creationTimestamp = now;
  metadata.uid = uid;
}

const systemFields = [
  'creationTimestamp',
  'uid',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
] as const;

/** What no client gives: nobody manages it, either. */
export function dropSystemMetadata(object: KubeObject): void {
  const metadata: Partial<KubeObject['metadata']> = object.metadata;
  // To delete what is not there costs V8 a call of its runtime, and mostly nothing is there.
  for (const field of systemFields) if (field in metadata) delete metadata[field];
}

/** Carries over what an update cannot change or need not repeat. `object` is changed in place. */
export function keepSystemMetadata(object: KubeObject, old: KubeObject): void {
  const { metadata } = object;
  const kept = old.metadata;
  metadata.uid ??= kept.uid;
  metadata.creationTimestamp = kept.creationTimestamp;
  if (kept.generation === undefined) delete metadata.generation;
  else metadata.generation = kept.generation;
  if (kept.generateName !== undefined) metadata.generateName ??= kept.generateName;
  delete metadata.selfLink;
  // A client that gives these where there were none is refused by validation.
  if (kept.deletionTimestamp !== undefined) metadata.deletionTimestamp = kept.deletionTimestamp;
  if (kept.deletionGracePeriodSeconds !== undefined) {
    metadata.deletionGracePeriodSeconds ??= kept.deletionGracePeriodSeconds;
  }
}

/** 400 where a create brings a resourceVersion; upstream's storage finds it, and says 500. */
export function refuseResourceVersion(object: KubeObject): void {
  if (object.metadata.resourceVersion) {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
}
