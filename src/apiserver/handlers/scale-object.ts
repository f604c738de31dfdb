// The Scale of an object, and the object with the number of replicas that a Scale says. Pure.

import { setValueAt, valueAt } from '../../api/apiextensions/schema/json-path.ts';
import type { Scale } from '../../api/autoscaling/v1/types.generated.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { LabelSelector } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import {
  labelSelectorOf,
  printLabelSelector,
  selectorFromLabels,
} from '../../apimachinery/selectors/label-selector.ts';
import { internalError, invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import { validateObjectMeta } from '../../apimachinery/validation/object-meta.ts';

export const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

export type ScaleObject = KubeObject & Scale;

interface Scalable extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

export function scaleOf(object: Readonly<KubeObject>, definition: ResourceDefinition): ScaleObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const { wanted, present, selector } = definition.scale
    ? countsByPaths(object, definition.scale)
    : counts(object, definition);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ScaleObject['metadata'],
    // As Go's omitempty has it: zero wanted replicas are not written.
    spec: wanted ? { replicas: wanted } : {},
    status: { replicas: present, ...(selector !== undefined && { selector }) },
  };
}

interface Counts {
  readonly wanted: number;
  readonly present: number;
  /** As text. */
  readonly selector: string | undefined;
}

function counts(object: Readonly<KubeObject>, { resource }: ResourceDefinition): Counts {
  const { spec = {}, status = {} } = object as Scalable;
  const selector =
    resource === 'replicationcontrollers'
      ? selectorFromLabels((spec.selector ?? {}) as Record<string, string>)
      : labelSelectorOf(spec.selector as LabelSelector | undefined);
  return {
    wanted: spec.replicas ?? 0,
    present: status.replicas ?? 0,
    selector: selector && printLabelSelector(selector),
  };
}

/** Where the definition says where the numbers are: a custom resource. */
function countsByPaths(
  object: Readonly<KubeObject>,
  { specReplicasPath, statusReplicasPath, labelSelectorPath }: NonNullable<ResourceDefinition['scale']>,
): Counts {
  const selector = labelSelectorPath ? valueAt(object, labelSelectorPath) : undefined;
  return {
    wanted: Number(valueAt(object, specReplicasPath) ?? 0),
    present: Number(valueAt(object, statusReplicasPath) ?? 0),
    selector: typeof selector === 'string' && selector !== '' ? selector : undefined,
  };
}

/** To be read a number must be there, else 500; a write may set the first. */
export function checkHasReplicas(object: Readonly<KubeObject>, { scale }: ResourceDefinition): void {
  if (!scale || valueAt(object, scale.specReplicasPath) !== undefined) return;
  throw internalError(`the spec replicas field ${JSON.stringify(scale.specReplicasPath)} does not exist`);
}

/** Throws 422 for a number, or metadata of the Scale, that may not be. */
export function scaled(old: Readonly<KubeObject>, scale: ScaleObject, definition: ResourceDefinition): KubeObject {
  const replicas = scale.spec?.replicas ?? 0;
  // Of a custom resource its own rules say what may be.
  const errors = definition.scale ? [] : validateObjectMeta(scale.metadata, { namespaced: true });
  if (replicas < 0 && !definition.scale) {
    errors.push(fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  if (errors.length > 0) throw invalid(scaleKind, old.metadata.name, errors);
  const { resourceVersion } = scale.metadata;
  const object = structuredClone(old) as Scalable;
  if (definition.scale) {
    setValueAt(object as unknown as Record<string, unknown>, definition.scale.specReplicasPath, replicas);
  } else object.spec = { ...object.spec, replicas };
  if (resourceVersion) object.metadata.resourceVersion = resourceVersion;
  return object;
}
