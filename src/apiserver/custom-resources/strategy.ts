// What happens to a custom resource's objects on their way in (upstream pkg/registry/customresource).
import { validateEmbedded } from '../../api/apiextensions/schema/embedded.ts';
import { validateListTypes } from '../../api/apiextensions/schema/list-types.ts';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import { validateValue } from '../../api/apiextensions/schema/validate-value.ts';
import type { CustomResourceSubresourceScale } from '../../api/apiextensions/v1/types.generated.ts';
import type { Strategy } from '../../api/resource.ts';
import { goText, goTypeName, quoted } from '../../apimachinery/json/go-text.ts';
import { isObject, jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import type { GroupResource, KubeObject } from '../../apimachinery/object.ts';
import { forbidden } from '../../apimachinery/status.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { qualifiedName } from '../../apimachinery/validation/names.ts';
import type { Rules } from './rules.ts';

export type CustomObject = KubeObject & Record<string, unknown>;

export interface CustomStrategyOptions {
  readonly schema: JSONSchemaProps | undefined;
  readonly hasStatus: boolean;
  readonly scale: CustomResourceSubresourceScale | undefined;
  /** Of the schema; loaded before an object is validated. */
  readonly rules: Rules | undefined;
  /** The resource, while its definition goes: nothing is made any more. */
  readonly closed?: GroupResource;
}

const terminating = 'create not allowed while custom resource definition is terminating';

/** What is right for the instances of one version of a definition. */
export function customStrategy(options: CustomStrategyOptions): Strategy<KubeObject> {
  const { hasStatus, scale } = options;
  const validate = (object: KubeObject, old?: KubeObject) => [
    ...(options.schema ? validateValue(object, options.schema, { path: '', ...(old && { old }) }) : []),
    ...(scale ? validateScale(object, scale) : []),
  ];
  const statusSchema = options.schema?.properties?.status;
  const validateStatus = (object: KubeObject, old: KubeObject) => {
    const { status } = object as CustomObject;
    const before = (old as CustomObject).status;
    const found =
      status === undefined || !statusSchema
        ? []
        : validateValue(status, statusSchema, { path: '', ...(before !== undefined && { old: before }) });
    // What it is about is named from the status on.
    return [
      ...found.map((error) => ({ ...error, field: error.field === '<nil>' ? 'status' : `status.${error.field}` })),
      ...(scale ? validateScale(object, scale, { status: true }) : []),
    ];
  };
  return {
    prepareForCreate(object) {
      if (options.closed) throw forbidden(options.closed, object.metadata.name, terminating);
      if (hasStatus) delete (object as CustomObject).status;
      object.metadata.generation = 1;
    },
    prepareForUpdate(object, old) {
      const generation = old.metadata.generation ?? 0;
      object.metadata.generation = jsonEqual(content(object), content(old)) ? generation : generation + 1;
    },
    warnings: (object, old) => finalizerWarnings(object, old),
    prepareForStatusUpdate: keepAllButItsStatus,
    validate: (object) => withRules(validate(object), options, { object }),
    validateUpdate: (object, old, warn) => withRules(validate(object, old), options, { object, old, warn }),
    validateStatusUpdate: (object, old, warn) =>
      withRules(validateStatus(object, old), options, { object, old, warn, ofStatus: true }),
  };
}

const standardFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

function finalizerWarnings({ metadata }: KubeObject, old?: KubeObject): string[] {
  const added = (metadata.finalizers ?? []).filter((finalizer) => !old?.metadata.finalizers?.includes(finalizer));
  return [...new Set(added)].sort().flatMap((finalizer) => {
    const wrong = qualifiedName(finalizer);
    if (!finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
      const how = finalizer.includes('.') ? ' including a path (/)' : '';
      wrong.push(
        `prefer a domain-qualified finalizer name${how} to avoid accidental conflicts with other finalizer writers`,
      );
    }
    return wrong.map((why) => `metadata.finalizers: ${quoted(finalizer)}: ${why}`);
  });
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

interface Checked {
  readonly object: KubeObject;
  readonly old?: KubeObject;
  readonly warn?: ((text: string) => void) | undefined;
  readonly ofStatus?: boolean;
}

function withRules(
  found: readonly FieldError[],
  { schema, rules }: CustomStrategyOptions,
  { object, old, warn, ofStatus = false }: Checked,
): FieldError[] {
  const errors = ofStatus ? [...found] : [...found, ...validateEmbedded(object, schema)];
  // A list that already had repetitions may keep them.
  const mayRepeat = old !== undefined && validateListTypes(old, schema).length > 0;
  if (!mayRepeat) errors.push(...validateListTypes(object, schema));
  if (!rules?.exist) return errors;
  if (errors.some(({ type }) => blocking.has(type))) {
    const detail =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    return [...errors, fieldError.invalid('<nil>', null, detail)];
  }
  return [...errors, ...rules.check(object, old, warn)];
}

/** `status` alone: only what is in it is looked at. */
function validateScale(
  object: KubeObject,
  scale: CustomResourceSubresourceScale,
  { status = false } = {},
): FieldError[] {
  const errors: FieldError[] = [];
  for (const path of status ? [scale.statusReplicasPath] : [scale.specReplicasPath, scale.statusReplicasPath]) {
    const { value = 0, problem } = nested(object, path, 'int64');
    if (problem) errors.push(fieldError.invalid(path, 0, problem));
    else if (Number(value) < 0) errors.push(fieldError.invalid(path, value, 'should be a non-negative integer'));
    else if (Number(value) > 2147483647) {
      errors.push(fieldError.invalid(path, value, 'should be less than or equal to 2147483647'));
    }
  }
  const path = scale.labelSelectorPath;
  const { problem } = path ? nested(object, path, 'string') : {};
  if (path && problem) errors.push(fieldError.invalid(path, '', problem));
  return errors;
}

/** A value by its path, and why it is none, as Go's unstructured helpers say it. */
function nested(
  object: KubeObject,
  path: string,
  type: 'int64' | 'string',
): { readonly value?: unknown; readonly problem?: string } {
  let value: unknown = object;
  let walked = '';
  const problem = (expected: string) => ({
    problem: `${walked} accessor error: ${goText(value)} is of the type ${goTypeName(value)}, expected ${expected}`,
  });
  for (const name of path.replace(/^\./, '').split('.')) {
    walked += `.${name}`;
    if (value === null) return {};
    if (!isObject(value)) return problem('map[string]interface{}');
    if (!Object.hasOwn(value, name)) return {};
    value = value[name];
  }
  return goTypeName(value) === type ? { value } : problem(type);
}
