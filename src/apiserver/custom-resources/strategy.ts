// What happens to a custom resource's objects on their way in (upstream pkg/registry/customresource).
import { validateEmbedded } from '../../api/apiextensions/schema/embedded.ts';
import { valueAt } from '../../api/apiextensions/schema/json-path.ts';
import { validateListTypes } from '../../api/apiextensions/schema/list-types.ts';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import { validateValue } from '../../api/apiextensions/schema/validate-value.ts';
import type { CustomResourceSubresourceScale } from '../../api/apiextensions/v1/types.generated.ts';
import type { Strategy } from '../../api/resource.ts';
import { isObject, jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import type { Rules } from './rules.ts';

export type CustomObject = KubeObject & Record<string, unknown>;

export interface CustomStrategyOptions {
  readonly schema: JSONSchemaProps | undefined;
  readonly hasStatus: boolean;
  readonly scale: CustomResourceSubresourceScale | undefined;
  /** Of the schema; loaded before an object is validated. */
  readonly rules: Rules | undefined;
}

export function customStrategy(options: CustomStrategyOptions): Strategy<KubeObject> {
  const { hasStatus, scale } = options;
  const validate = (object: KubeObject, old?: KubeObject) => [
    ...(options.schema ? validateValue(object, options.schema, { path: '', ...(old && { old }) }) : []),
    ...(scale ? validateScale(object, scale) : []),
  ];
  return {
    prepareForCreate(object) {
      if (hasStatus) delete (object as CustomObject).status;
      object.metadata.generation = 1;
    },
    prepareForUpdate(object, old) {
      const generation = old.metadata.generation ?? 0;
      object.metadata.generation = jsonEqual(content(object), content(old)) ? generation : generation + 1;
    },
    warnings: (object, old) => plainFinalizerWarnings(object, old),
    prepareForStatusUpdate: keepAllButItsStatus,
    validate: (object) => withRules(validate(object), options, { object }),
    validateUpdate: (object, old) => withRules(validate(object, old), options, { object, old }),
    validateStatusUpdate: (object, old) => withRules(validate(object, old), options, { object, old }),
  };
}

const standardFinalizers = new Set(['orphan', 'foregroundDeletion']);

function plainFinalizerWarnings({ metadata }: KubeObject, old?: KubeObject): string[] {
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old?.metadata.finalizers?.includes(finalizer));
  const why =
    'prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers';
  return added
    .filter((finalizer) => !finalizer.includes('/') && !standardFinalizers.has(finalizer))
    .sort()
    .map((finalizer) => `metadata.finalizers: ${JSON.stringify(finalizer)}: ${why}`);
}

function content(object: KubeObject): unknown {
  const { metadata: _metadata, ...rest } = object;
  return rest;
}

/** Status alone changes, and who manages what. */
function keepAllButItsStatus(object: KubeObject, old: KubeObject): void {
  const target = object as CustomObject;
  const { status, metadata } = target;
  for (const key of Object.keys(target)) delete (target as Record<string, unknown>)[key];
  Object.assign(target, jsonCopy(old));
  if (metadata.managedFields) target.metadata.managedFields = metadata.managedFields;
  else delete target.metadata.managedFields;
  if (metadata.resourceVersion) target.metadata.resourceVersion = metadata.resourceVersion;
  if (status === undefined) delete target.status;
  else target.status = status;
}

const blocking = new Set<FieldError['type']>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

function withRules(
  found: readonly FieldError[],
  { schema, rules }: CustomStrategyOptions,
  { object, old }: { readonly object: KubeObject; readonly old?: KubeObject },
): FieldError[] {
  const errors = [...found, ...validateEmbedded(object, schema)];
  // A list that already had repetitions may keep them.
  const mayRepeat = old !== undefined && validateListTypes(old, schema).length > 0;
  if (!mayRepeat) errors.push(...validateListTypes(object, schema));
  if (!rules?.exist) return errors;
  if (errors.some(({ type }) => blocking.has(type))) {
    const detail =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [...errors, fieldError.invalid('<nil>', null, detail)];
  }
  return [...errors, ...rules.check(object, old)];
}

function validateScale(object: KubeObject, scale: CustomResourceSubresourceScale): FieldError[] {
  const errors: FieldError[] = [];
  for (const path of [scale.specReplicasPath, scale.statusReplicasPath]) {
    const value = valueAt(object, path) ?? 0;
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      errors.push(fieldError.invalid(path, 0, accessorError(path, value, 'int64')));
    } else if (value < 0) errors.push(fieldError.invalid(path, value, 'should be a non-negative integer'));
    else if (value > 2147483647) {
      errors.push(fieldError.invalid(path, value, 'should be less than or equal to 2147483647'));
    }
  }
  const path = scale.labelSelectorPath;
  const selector = path ? (valueAt(object, path) ?? '') : '';
  if (path && typeof selector !== 'string') {
    errors.push(fieldError.invalid(path, '', accessorError(path, selector, 'string')));
  }
  return errors;
}

/** As Go's unstructured helpers say that a field is of another type. */
function accessorError(path: string, value: unknown, expected: string): string {
  const type = Array.isArray(value)
    ? '[]interface {}'
    : isObject(value)
      ? 'map[string]interface {}'
      : typeof value === 'number'
        ? 'float64'
        : typeof value === 'boolean'
          ? 'bool'
          : 'string';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return `${path} accessor error: ${text} is of the type ${type}, expected ${expected}`;
}
