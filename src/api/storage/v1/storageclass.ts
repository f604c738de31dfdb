import { deepEqual } from '../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { nodeLabelWarning } from '../../core/v1/node/labels.ts';
import type { TopologySelectorTerm } from '../../core/v1/types.generated.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { immutable, optionalOneOf, repetitions } from '../../validation/values.ts';
import type { StorageClass } from './types.generated.ts';

const { required, forbidden, duplicate, tooLong } = fieldError;

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;

export function validateProvisioner(field: string, name: string | undefined): FieldError[] {
  return name ? nameErrors(qualifiedName, field, name.toLowerCase()) : [required(field)];
}

/** What a driver is told, as text that only it understands. `needed`: there must be some. */
export function validateParameters(
  parameters: Readonly<Record<string, string>> | undefined,
  { needed }: { readonly needed: boolean },
): FieldError[] {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > maxParameters) return [tooLong('parameters', maxParameters)];
  if (needed && entries.length === 0) return [required('parameters', 'must contain at least one key/value pair')];
  const errors: FieldError[] = [];
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (entries.some(([key]) => key === '')) errors.push(fieldError.invalid('parameters', '', 'field can not be empty.'));
  return bytes > maxParameterBytes ? [...errors, tooLong('parameters', maxParameterBytes)] : errors;
}

/** A term that selects nothing counts as one that was there before, and the order of what is in a term does not. */
function validateTopologies(terms: readonly TopologySelectorTerm[], path: string): FieldError[] {
  const seen = new Set([selected({ matchLabelExpressions: [] })]);
  return terms.flatMap((term, i) => {
    const at = `${path}[${i}].matchLabelExpressions`;
    const errors = validateTerm(term, at);
    const text = selected(term);
    if (seen.has(text)) return [...errors, duplicate(at, '')];
    seen.add(text);
    return errors;
  });
}

/** Equal for terms that select the same. Of a key that is there twice, the last counts. */
function selected({ matchLabelExpressions = [] }: TopologySelectorTerm): string {
  const byKey = new Map(matchLabelExpressions.map(({ key, values }) => [key, [...new Set(values ?? [])].sort()]));
  return JSON.stringify([...byKey].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function validateTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, path: string): FieldError[] {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key, values = [] }, i) => {
    const at = `${path}[${i}]`;
    const errors = values.length === 0 ? [required(`${at}.values`)] : [];
    for (const j of repetitions(values)) errors.push(duplicate(`${at}.values[${j}]`, values[j]));
    errors.push(...nameErrors(qualifiedName, `${at}.key`, key));
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
    return errors;
  });
}

function validate(object: StorageClass): FieldError[] {
  return [
    ...validateProvisioner('provisioner', object.provisioner),
    ...validateParameters(object.parameters, { needed: false }),
    ...optionalOneOf('reclaimPolicy', object.reclaimPolicy || undefined, ['Delete', 'Retain']),
    ...optionalOneOf('volumeBindingMode', object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']),
    ...validateTopologies(object.allowedTopologies ?? [], 'allowedTopologies'),
  ];
}

/** Volumes are as their class was when they were made. */
function validateUpdate(object: StorageClass, old: StorageClass): FieldError[] {
  const fixed = (field: 'parameters' | 'provisioner') =>
    deepEqual(object[field], old[field]) ? [] : [forbidden(field, `updates to ${field} are forbidden.`)];
  return [
    ...validate(object),
    ...fixed('parameters'),
    ...fixed('provisioner'),
    ...(object.reclaimPolicy === old.reclaimPolicy
      ? []
      : [forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.')]),
    ...immutable('volumeBindingMode', object.volumeBindingMode, old.volumeBindingMode),
  ];
}

const defaultAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export const storageClass: Kind<StorageClass> = {
  returnsDeletedObject: true,
  strategy: {
    default(object) {
      object.reclaimPolicy ??= 'Delete';
      object.volumeBindingMode ??= 'Immediate';
    },
    validate,
    validateUpdate,
    warnings: ({ allowedTopologies = [] }) =>
      allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
        matchLabelExpressions.flatMap(({ key }, j) => {
          const why = nodeLabelWarning(key);
          return why ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${why}`] : [];
        }),
      ),
  },
  columns: [
    nameColumn,
    column('Provisioner', 'Who makes the volumes.'),
    column('ReclaimPolicy', 'What becomes of them.'),
    column('VolumeBindingMode', 'When they are made.'),
    column('AllowVolumeExpansion', 'Whether they can grow.'),
    ageColumn,
  ],
  cells: (object, now) => {
    const isDefault = defaultAnnotations.some((key) => object.metadata.annotations?.[key] === 'true');
    return [
      isDefault ? `${object.metadata.name} (default)` : object.metadata.name,
      object.provisioner,
      object.reclaimPolicy ?? 'Delete',
      object.volumeBindingMode ?? '<unset>',
      object.allowVolumeExpansion === true,
      ageCell(object, now),
    ];
  },
};
