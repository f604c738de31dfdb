// Objects of manifests as an API server would keep them: with defaults, and judged.

import type { Service } from '../api/core/v1/types.generated.ts';
import { builtinResources } from '../api/registry.ts';
import type { ResourceDefinition } from '../api/resource.ts';
import { aggregate } from '../apimachinery/aggregate.ts';
import { apiVersionOf, type KubeObject } from '../apimachinery/object.ts';
import { type FieldError, fieldErrorMessage } from '../apimachinery/validation/field-error.ts';
import { ManifestError, sourceOf } from '../explain/manifests.ts';

/** What an API server would fill in when it takes the object: manifests of what is not yet applied lack it. */
const allocated: ReadonlySet<string> = new Set([
  'metadata.namespace',
  'spec.clusterIPs',
  'spec.ipFamilies',
  'spec.ipFamilyPolicy',
  'spec.healthCheckNodePort',
]);

const isAllocated = ({ type, field }: FieldError): boolean => type === 'FieldValueRequired' && allocated.has(field);

/**
 * Addresses that an API server takes from nobody but may hold: its own (a server on 127.0.0.1 is the endpoint of
 * `kubernetes`), and those of times when less was asked of their text.
 */
const isTolerated = ({ detail }: FieldError): boolean =>
  /^(may not be in the|may not be unspecified|must not have|must not be an IPv4-mapped)/.test(detail);

function withClusterIPs(object: KubeObject): void {
  if (object.kind !== 'Service') return;
  const { spec } = object as Service;
  if (spec?.clusterIP && !spec.clusterIPs) Object.assign(spec, { clusterIPs: [spec.clusterIP] });
}

/**
 * The objects of some kinds with the API's defaults, in their order; others are left out. Throws a ManifestError for the
 * first that an API server would refuse, in its words.
 */
export function validObjects(
  objects: readonly KubeObject[],
  kinds: readonly string[],
  prepare: Prepare = () => {},
): KubeObject[] {
  const definitions = builtinResources().filter(({ kind }) => kinds.includes(kind));
  const place = (object: KubeObject) => {
    const source = sourceOf(object);
    return source === undefined ? '' : `${source}: `;
  };
  return objects.flatMap((object) => {
    const { kind = '', apiVersion, metadata } = object;
    const ofKind = definitions.filter((definition) => definition.kind === kind);
    const [first] = ofKind;
    if (!first) return [];
    const definition =
      apiVersion === undefined ? first : ofKind.find((candidate) => apiVersionOf(candidate) === apiVersion);
    if (!definition) {
      throw new ManifestError(`${place(object)}there is no ${kind} of ${apiVersion}: use ${apiVersionOf(first)}`);
    }
    const copy = structuredClone(object);
    const errors = errorsOf(copy, definition, prepare);
    if (errors.length === 0) return [copy];
    throw new ManifestError(
      `${place(object)}${kind} ${JSON.stringify(metadata.name)} is invalid: ${aggregate(errors)}`,
    );
  });
}

type Prepare = (object: KubeObject, strategy: ResourceDefinition['strategy']) => void;

/**
 * An object as an API server would write it: a new one, or what `live` becomes by a change. Of a new one the status stays that is
 * said. Throws as {@link validObjects} does; what is of no kind that is known is given back.
 */
export function writtenObject(object: KubeObject, live: KubeObject | undefined): KubeObject {
  const prepare: Prepare = (fresh, strategy) => {
    if (!live) {
      const { status } = fresh as { status?: object };
      strategy.prepareForCreate?.(fresh);
      if (status) Object.assign(fresh, { status: { ...(fresh as { status?: object }).status, ...status } });
      return;
    }
    const old = structuredClone(live);
    strategy.default?.(old);
    strategy.prepareForUpdate?.(fresh, old);
  };
  return validObjects([object], [object.kind ?? ''], prepare)[0] ?? object;
}

/** Fills in the defaults of the object, and judges it. */
function errorsOf(object: KubeObject, { strategy, kind }: ResourceDefinition, prepare: Prepare): string[] {
  try {
    strategy.default?.(object);
    withClusterIPs(object);
    prepare(object, strategy);
    const errors = strategy.validate?.(object) ?? [];
    return errors.filter((error) => !isAllocated(error) && !isTolerated(error)).map(fieldErrorMessage);
  } catch (error) {
    // An API server would not decode it, so nothing here expects text where the kind has an object.
    if (error instanceof TypeError) return [`it is no ${kind}: ${error.message}`];
    throw error;
  }
}
