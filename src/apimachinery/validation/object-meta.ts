// The rules that every object's metadata follows, in upstream's words and order (k8s.io/apimachinery/pkg/api/validation).
import type { ObjectMeta, OwnerReference } from '../meta/v1.generated.ts';
import { parseApiVersion } from '../object.ts';
import { type FieldError, fieldError } from './field-error.ts';
import { managedFieldsErrors } from './field-manager.ts';
import { dns1123Label, dns1123Subdomain, labelValueRule, type NameRule, qualifiedName } from './names.ts';

export const immutableMessage = 'field is immutable';

/** Annotations of one object, keys and values together, in bytes. */
const maxAnnotationBytes = 256 * 1024;

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** What the kind's names look like; generateName is held to it too. Default: a DNS-1123 subdomain. */
  readonly name?: NameRule;
  /** Finalizers without a domain are taken: of custom resources, and of kinds that serve extensions. */
  readonly plainFinalizers?: boolean;
}

/** The messages of a name rule as errors at `field`. */
export function nameErrors(rule: NameRule, field: string, value: string): FieldError[] {
  const messages = rule(value);
  return messages.length === 0 ? [] : messages.map((message) => fieldError.invalid(field, value, message));
}

/** Of a new object. */
export function validateObjectMeta(meta: ObjectMeta, rules: ObjectMetaRules, path = 'metadata'): FieldError[] {
  const rule = rules.name ?? dns1123Subdomain;
  const errors: FieldError[] = [];
  // A prefix may end in a hyphen, since more follows: upstream looks at what is before the two last characters.
  if (meta.generateName) {
    const isMasked = meta.generateName.length > 1 && meta.generateName.endsWith('-');
    const asName = isMasked ? `${meta.generateName.slice(0, -2)}a` : meta.generateName;
    for (const message of rule(asName)) {
      errors.push(fieldError.invalid(`${path}.generateName`, meta.generateName, message));
    }
  }
  if (!meta.name) errors.push(fieldError.required(`${path}.name`, 'name or generateName is required'));
  else errors.push(...nameErrors(rule, `${path}.name`, meta.name));
  if (rules.namespaced) {
    if (!meta.namespace) errors.push(fieldError.required(`${path}.namespace`));
    else errors.push(...nameErrors(dns1123Label, `${path}.namespace`, meta.namespace));
  } else if (meta.namespace) {
    errors.push(fieldError.forbidden(`${path}.namespace`, 'not allowed on this type'));
  }
  if ((meta.generation ?? 0) < 0) {
    errors.push(fieldError.invalid(`${path}.generation`, meta.generation, 'must be greater than or equal to 0'));
  }
  if (meta.labels) errors.push(...validateLabels(meta.labels, `${path}.labels`));
  if (meta.annotations) errors.push(...validateAnnotations(meta.annotations, `${path}.annotations`));
  if (meta.ownerReferences) errors.push(...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`));
  if (meta.finalizers) errors.push(...validateFinalizers(meta.finalizers, `${path}.finalizers`));
  if (meta.managedFields) errors.push(...managedFieldsErrors(meta.managedFields, `${path}.managedFields`));
  if (meta.finalizers && !rules.plainFinalizers) {
    errors.push(...unqualifiedFinalizers(meta.finalizers, `${path}.finalizers`));
  }
  return errors;
}

/** Of a changed object: what may not change, and the changed rest. Fields that the new object omits are taken as kept. */
export function validateObjectMetaUpdate(
  meta: ObjectMeta,
  old: ObjectMeta,
  rules: Pick<ObjectMetaRules, 'plainFinalizers'> = {},
): FieldError[] {
  const path = 'metadata';
  const errors: FieldError[] = [];
  if (old.deletionTimestamp) errors.push(...validateNoNewFinalizers(meta, old, path));
  if ((meta.generation ?? old.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(fieldError.invalid(`${path}.generation`, meta.generation, 'must not be decremented'));
  }
  for (const name of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    if (meta[name] !== undefined && meta[name] !== old[name]) {
      errors.push(fieldError.invalid(`${path}.${name}`, meta[name], immutableMessage));
    }
  }
  errors.push(...validateLabels(meta.labels, `${path}.labels`));
  errors.push(...validateAnnotations(meta.annotations, `${path}.annotations`));
  errors.push(...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`));
  errors.push(...managedFieldsErrors(meta.managedFields, `${path}.managedFields`));
  if (!rules.plainFinalizers) errors.push(...unqualifiedFinalizers(meta.finalizers, `${path}.finalizers`));
  return errors;
}

/** No finalizers join an object that is being deleted. */
function validateNoNewFinalizers(meta: ObjectMeta, old: ObjectMeta, path = 'metadata'): FieldError[] {
  const known = new Set(old.finalizers);
  const added = [...new Set(meta.finalizers)].filter((finalizer) => !known.has(finalizer)).sort();
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [fieldError.forbidden(`${path}.finalizers`, why)];
}

/** Labels, or a selector made of labels. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key in labels) {
    errors.push(...nameErrors(qualifiedName, path, key));
    errors.push(...nameErrors(labelValueRule, path, labels[key]!));
  }
  return errors;
}

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const key in annotations) {
    for (const message of qualifiedName(key.toLowerCase())) errors.push(fieldError.invalid(path, key, message));
    bytes += byteLength(key) + byteLength(annotations[key]!);
  }
  if (bytes > maxAnnotationBytes) errors.push(fieldError.tooLong(path, maxAnnotationBytes));
  return errors;
}

/** Of the text in UTF-8. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: string): FieldError[] {
  if (!references) return [];
  const errors = references.flatMap((reference) => validateOwnerReference(reference, path));
  const controllers = references.filter((reference) => reference.controller === true);
  for (const extra of controllers.slice(1)) {
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]!.kind}/${controllers[0]!.name} and ${extra.kind}/${extra.name}`;
    errors.push(fieldError.invalid(path, references.map(inOrder), why));
  }
  return errors;
}

/** As Go prints it. */
function inOrder({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference): object {
  return { apiVersion, kind, name, uid, controller, blockOwnerDeletion };
}

function validateOwnerReference(reference: OwnerReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { group, version } = parseApiVersion(reference.apiVersion ?? '');
  const isTooLong = (reference.apiVersion ?? '').split('/').length > 2;
  if (version === '' || isTooLong) {
    errors.push(fieldError.invalid(`${path}.apiVersion`, reference.apiVersion ?? '', 'version must not be empty'));
  }
  for (const name of ['kind', 'name', 'uid'] as const) {
    if (!reference[name])
      errors.push(fieldError.invalid(`${path}.${name}`, reference[name] ?? '', 'must not be empty'));
  }
  if (reference.kind === 'Event' && version === 'v1' && group === '') {
    errors.push(fieldError.invalid(path, inOrder(reference), '/v1, Kind=Event is disallowed from being an owner'));
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  if (!finalizers) return [];
  const errors = finalizers.flatMap((finalizer) => nameErrors(qualifiedName, path, finalizer));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const why = 'finalizer orphan and foregroundDeletion cannot be both set';
    errors.push(fieldError.invalid(path, finalizers, why));
  }
  return errors;
}

/** The built-in kinds take none without a domain but the standard ones. */
function unqualifiedFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  if (!finalizers) return [];
  const why = 'name is neither a standard finalizer name nor is it fully qualified';
  return finalizers.flatMap((finalizer, i) =>
    finalizer.includes('/') || standardFinalizers.has(finalizer)
      ? []
      : [fieldError.invalid(`${path}[${i}]`, finalizer, why)],
  );
}
