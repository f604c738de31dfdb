// What a client believes of the stored object: its version, its UID. A write that rests on what is no longer so is refused.

import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, conflict, invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { StoredObject } from '../watch-cache/stored-object.ts';
import type { DeleteOptions } from './deletion.ts';

/** An update that names a version must name the present one; throws a 409, or a 422 where it must name one and does not. */
export function checkPresentVersion(definition: ResourceDefinition, object: KubeObject, old: StoredObject): void {
  const given = object.metadata.resourceVersion;
  if (!given || given === '0') {
    if (definition.allowUnconditionalUpdate) return;
    const field = fieldError.invalid('metadata.resourceVersion', 0, 'must be specified for an update');
    // As upstream, which has no other place for the resource than the kind's.
    throw invalid({ group: definition.group, kind: definition.resource }, old.object.metadata.name, [field]);
  }
  if (given === String(old.revision)) return;
  if (!/^\d+$/.test(given)) {
    throw badRequest(`strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`);
  }
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  throw conflict(definition, old.object.metadata.name, why);
}

/** Throws a 409 where the object to delete is another than the client means, or is so no more. */
export function checkPreconditions(
  definition: ResourceDefinition,
  old: StoredObject,
  { preconditions }: DeleteOptions,
): void {
  const { name, uid } = old.object.metadata;
  const kind = { group: definition.group, resource: definition.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  const version = preconditions?.resourceVersion;
  if (version !== undefined && version !== String(old.revision)) {
    const why = `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${old.revision}). The object might have been modified`;
    throw conflict(kind, name, why);
  }
}
