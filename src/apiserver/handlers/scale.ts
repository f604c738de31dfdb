// The scale subresource: how many replicas, whatever the kind.

import { setValueAt, valueAt } from '../../api/apiextensions/schema/json-path.ts';
import type { Scale } from '../../api/autoscaling/v1/types.generated.ts';
import { ageCell, ageColumn, column, nameColumn } from '../../api/define.ts';
import type { ResourceDefinition } from '../../api/resource.ts';
import type { JsonObject } from '../../apimachinery/json/value.ts';
import {
  managersOfParent,
  managersOfScale,
  type ReplicasPath,
} from '../../apimachinery/managedfields/scale-managers.ts';
import type { LabelSelector, ManagedFieldsEntry } from '../../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import {
  labelSelectorOf,
  printLabelSelector,
  selectorFromLabels,
} from '../../apimachinery/selectors/label-selector.ts';
import { badRequest, internalError, invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import { validateObjectMeta } from '../../apimachinery/validation/object-meta.ts';
import { metadataNotAcceptable } from '../errors.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { readObject } from './body.ts';
import { appliedAs, recordManagerAs } from './field-managers.ts';
import { asFreshAsWanted } from './freshness.ts';
import { writeQuery } from './options.ts';
import { decodePatched } from './patch.ts';
import { applyPatch, patchType, readPatch } from './patch-body.ts';
import { partialMetadata, rowOf, tableColumns, tableOf, valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkName, checkUid, placeInNamespace, schemaFor } from './written-object.ts';

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

/** Upstream's mark, the least of all numbers of 32 bits, of a number that a custom resource does not say: a patch must. */
const unsetReplicas = -(2 ** 31);

type ScaleObject = KubeObject & Scale;

interface Scalable extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}

function scaleOf(object: Readonly<KubeObject>, { resource, scale }: ResourceDefinition): ScaleObject {
  if (scale) return scaleByPaths(object, scale);
  const { metadata, spec = {}, status = {} } = object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const selector =
    resource === 'replicationcontrollers'
      ? selectorFromLabels((spec.selector ?? {}) as Record<string, string>)
      : labelSelectorOf(spec.selector as LabelSelector | undefined);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ScaleObject['metadata'],
    // As Go's omitempty has it: zero wanted replicas are not written.
    spec: spec.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status.replicas ?? 0, ...(selector && { selector: printLabelSelector(selector) }) },
  };
}

/** Where the definition says where the numbers are: a custom resource. */
function scaleByPaths(
  object: Readonly<KubeObject>,
  { specReplicasPath, statusReplicasPath, labelSelectorPath }: NonNullable<ResourceDefinition['scale']>,
): ScaleObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const wanted = valueAt(object, specReplicasPath);
  const present = valueAt(object, statusReplicasPath);
  const selector = labelSelectorPath ? valueAt(object, labelSelectorPath) : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as ScaleObject['metadata'],
    spec: wanted ? { replicas: Number(wanted) } : {},
    status: { replicas: Number(present ?? 0), ...(typeof selector === 'string' && selector !== '' && { selector }) },
  };
}

/** To be read a number must be there; a write may set the first. */
function checkHasReplicas(object: Readonly<KubeObject>, { scale }: ResourceDefinition): void {
  if (!scale || valueAt(object, scale.specReplicasPath) !== undefined) return;
  throw internalError(`the spec replicas field ${JSON.stringify(scale.specReplicasPath)} does not exist`);
}

export async function handleScale(request: ResourceRequest): Promise<ApiResponse> {
  const { info, store, definition } = request;
  if (info.verb === 'get') {
    await asFreshAsWanted(request);
    const stored = await store.get(info.namespace, info.name);
    checkHasReplicas(stored.object, definition);
    return scaleResponse(request, scaleOf(stored.object, definition));
  }
  const type = info.verb === 'patch' ? patchType(request.request, definition) : undefined;
  const query = type
    ? writeQuery(request.request.query, 'PatchOptions', { isApply: type === 'apply' })
    : writeQuery(request.request.query, 'UpdateOptions');
  const { fieldValidation, fieldManager, dryRun } = query;
  const schema = schemaFor(request, scaleKind);
  const { warnings } = request;
  /** The Scale that is wanted, with who manages what in it. */
  let wanted: (present: ScaleObject) => ScaleObject;
  if (type) {
    const patch = await readPatch(request, { type, fieldValidation });
    wanted = (present) => {
      if (type === 'apply') {
        return appliedAs(request, scaleKind, {
          configuration: patch.value as JsonObject,
          old: present,
          query,
        }) as ScaleObject;
      }
      const value = applyPatch({ patch, old: present, schema });
      const decoded = decodePatched(request, { value, patch, schema, expected: scaleKind, query });
      const scale = decoded as ScaleObject;
      recordManagerAs(request, scaleKind, { object: scale, old: present, fieldManager });
      return scale;
    };
  } else {
    const body = { request: request.request, expected: scaleKind, schema, fieldValidation, warnings };
    const decode = await readObject(body);
    const read = () => {
      const scale = decode() as ScaleObject;
      placeInNamespace(scale, request);
      checkName(scale, request);
      return scale;
    };
    // Before the object is looked for: a Scale of another name is refused at any rate.
    let unused: ScaleObject | undefined = read();
    wanted = (present) => {
      const scale = unused ?? read();
      unused = undefined;
      recordManagerAs(request, scaleKind, { object: scale, old: present, fieldManager });
      return scale;
    };
  }
  const asScale = (object: Readonly<KubeObject>) => scaleOf(object, definition);
  const admission = writeAdmission(request, { dryRun, kind: scaleKind });
  const replicasPath = replicasPathOf(request);
  const result = await store.update({
    namespace: info.namespace,
    name: info.name,
    dryRun,
    warnings,
    strategy: definition.strategy,
    check: (object, old) => admission.validate(asScale(object), old && asScale(old)),
    async transform(old) {
      const entries = old!.metadata.managedFields;
      const present = withManagers(asScale(old!), managersOfScale(entries, replicasPath));
      const path = definition.scale?.specReplicasPath;
      const isUnset = path !== undefined && valueAt(old!, path) === undefined;
      if (isUnset) present.spec = { ...present.spec, replicas: unsetReplicas };
      const scale = wanted(present);
      placeInNamespace(scale, request);
      checkName(scale, request);
      if (isUnset && scale.spec?.replicas === unsetReplicas) {
        throw badRequest(`the spec replicas field ${JSON.stringify(path)} cannot be empty`);
      }
      checkUid(scale, old!, request);
      await admission.admit(scale, present);
      const object = scaled(old!, scale, request);
      const scaleEntries = scale.metadata.managedFields;
      const apiVersion = apiVersionOf(definition);
      return withManagers(object, managersOfParent({ entries, scaleEntries }, { apiVersion, replicasPath }));
    },
  });
  return scaleResponse(request, scaleOf(result.object.object, definition));
}

function withManagers<T extends KubeObject>(object: T, entries: ManagedFieldsEntry[] | undefined): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: entries === undefined ? metadata : { ...metadata, managedFields: entries } };
}

function replicasPathOf({ definition, parts }: ResourceRequest): ReplicasPath {
  return (apiVersion) => {
    const { group, version } = parseApiVersion(apiVersion);
    const one = parts.registry.find(group, version, definition.resource);
    if (!one) return definition.inVersion && group === definition.group ? 'none' : undefined;
    if (one.scale)
      return one.scale.specReplicasPath
        .split('.')
        .filter(Boolean)
        .map((name) => `f:${name}`);
    return one.inVersion ? 'none' : ['f:spec', 'f:replicas'];
  };
}

const columns = [
  nameColumn,
  column('Desired', 'How many replicas are wanted.', { type: 'integer' }),
  column('Available', 'How many replicas there are.', { type: 'integer' }),
  ageColumn,
];
/** As columns of definitions have it. */
const customColumns = columns.map((one) => (one === ageColumn ? { ...one, type: 'date' as const } : one));

function scaleResponse(request: ResourceRequest, scale: ScaleObject): Promise<ApiResponse> {
  const { definition, format } = request;
  if (format.as === 'object') return valueResponse(request, scale);
  if (format.as === 'PartialObjectMetadata') return valueResponse(request, partialMetadata(scale, format.version));
  if (format.as === 'PartialObjectMetadataList') throw metadataNotAcceptable('*v1.Scale', false);
  const { name, resourceVersion } = scale.metadata;
  const age = ageCell(scale, request.parts.clock.now());
  const cells = [name, scale.spec?.replicas ?? 0, scale.status?.replicas ?? 0, age];
  const described = tableColumns({ columns: definition.schema === undefined ? columns : customColumns });
  const row = rowOf(cells, scale, request);
  return valueResponse(request, tableOf([row], { resourceVersion }, { version: format.version, columns: described }));
}

function scaled(old: Readonly<KubeObject>, scale: ScaleObject, { info, definition }: ResourceRequest): KubeObject {
  const replicas = scale.spec?.replicas ?? 0;
  // Of a custom resource its own rules say what may be.
  const errors = definition.scale ? [] : validateObjectMeta(scale.metadata, { namespaced: true });
  if (replicas < 0 && !definition.scale) {
    errors.push(fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  if (errors.length > 0) throw invalid(scaleKind, info.name, errors);
  const { resourceVersion } = scale.metadata;
  const object = structuredClone(old) as Scalable;
  if (definition.scale) {
    setValueAt(object as unknown as Record<string, unknown>, definition.scale.specReplicasPath, replicas);
  } else object.spec = { ...object.spec, replicas };
  if (resourceVersion) object.metadata.resourceVersion = resourceVersion;
  return object;
}
