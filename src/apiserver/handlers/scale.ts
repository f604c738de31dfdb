// The scale subresource: how many replicas, whatever the kind.

import { valueAt } from '../../api/apiextensions/schema/json-path.ts';
import { ageCell, ageColumn, column, nameColumn } from '../../api/define.ts';
import type { JsonObject } from '../../apimachinery/json/value.ts';
import {
  managersOfParent,
  managersOfScale,
  type ReplicasPath,
} from '../../apimachinery/managedfields/scale-managers.ts';
import type { ManagedFieldsEntry } from '../../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type KubeObject, parseApiVersion, printResource } from '../../apimachinery/object.ts';
import { badRequest, isNotFound, notFound } from '../../apimachinery/status.ts';
import { metadataNotAcceptable } from '../errors.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { appliedAs, recordManagerAs } from './field-managers.ts';
import { asFreshAsWanted } from './freshness.ts';
import { readObject } from './object-body.ts';
import { type WriteQuery, writeQuery } from './options.ts';
import { decodePatched } from './patch.ts';
import { applyPatch, type PatchType, patchType, readPatch } from './patch-body.ts';
import { partialMetadata, rowOf, tableColumns, tableOf, valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkHasReplicas, type ScaleObject, scaled, scaleKind, scaleOf } from './scale-object.ts';
import { checkName, checkUid, placeInNamespace, schemaFor } from './written-object.ts';

/** Upstream's mark, the least of all numbers of 32 bits, of a number that a custom resource does not say: a patch must. */
const unsetReplicas = -(2 ** 31);

/** Kinds of which upstream names the Scale that is read as what is not there. */
const namesScale = new Set(['deployments.apps', 'replicasets.apps']);

export async function handleScale(request: ResourceRequest): Promise<ApiResponse> {
  const { info, store, definition } = request;
  if (info.verb !== 'get') return writeScale(request);
  await asFreshAsWanted(request);
  const stored = await store.get(info.namespace, info.name).catch((error) => {
    throw isNotFound(error) && namesScale.has(printResource(definition))
      ? notFound({ group: definition.group, resource: `${definition.resource}/scale` }, info.name)
      : error;
  });
  checkHasReplicas(stored.object, definition);
  return scaleResponse(request, scaleOf(stored.object, definition));
}

/** The Scale that is wanted in place of the present one, with who manages what in it. */
type Wanted = (present: ScaleObject) => ScaleObject;

async function wantedByPatch(request: ResourceRequest, type: PatchType, query: WriteQuery): Promise<Wanted> {
  const { fieldValidation, fieldManager } = query;
  const schema = schemaFor(request, scaleKind);
  const patch = await readPatch(request, { type, fieldValidation });
  return (present) => {
    if (type === 'apply') {
      const configuration = patch.value as JsonObject;
      return appliedAs(request, scaleKind, { configuration, old: present, query }) as ScaleObject;
    }
    const value = applyPatch({ patch, old: present, schema });
    const scale = decodePatched(request, { value, patch, schema, expected: scaleKind, query }) as ScaleObject;
    recordManagerAs(request, scaleKind, { object: scale, old: present, fieldManager });
    return scale;
  };
}

async function wantedByPut(request: ResourceRequest, { fieldValidation, fieldManager }: WriteQuery): Promise<Wanted> {
  const schema = schemaFor(request, scaleKind);
  const { warnings } = request;
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
  return (present) => {
    const scale = unused ?? read();
    unused = undefined;
    recordManagerAs(request, scaleKind, { object: scale, old: present, fieldManager });
    return scale;
  };
}

async function writeScale(request: ResourceRequest): Promise<ApiResponse> {
  const { info, store, definition, warnings } = request;
  const type = info.verb === 'patch' ? patchType(request.request, definition) : undefined;
  const query = type
    ? writeQuery(request.request.query, 'PatchOptions', { isApply: type === 'apply' })
    : writeQuery(request.request.query, 'UpdateOptions');
  const { dryRun } = query;
  const wanted = type ? await wantedByPatch(request, type, query) : await wantedByPut(request, query);
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
      const scale = checkedScale(request, { old: old!, present, wanted });
      await admission.admit(scale, present);
      const object = scaled(old!, scale, definition);
      const scaleEntries = scale.metadata.managedFields;
      const apiVersion = apiVersionOf(definition);
      return withManagers(object, managersOfParent({ entries, scaleEntries }, { apiVersion, replicasPath }));
    },
  });
  return scaleResponse(request, asScale(result.object.object));
}

interface Change {
  readonly old: Readonly<KubeObject>;
  readonly present: ScaleObject;
  readonly wanted: Wanted;
}

/** Throws where what is wanted is a Scale of something else, or says no number where there is none yet. */
function checkedScale(request: ResourceRequest, { old, present, wanted }: Change): ScaleObject {
  const path = request.definition.scale?.specReplicasPath;
  const isUnset = path !== undefined && valueAt(old, path) === undefined;
  if (isUnset) present.spec = { ...present.spec, replicas: unsetReplicas };
  const scale = wanted(present);
  placeInNamespace(scale, request);
  checkName(scale, request);
  if (isUnset && scale.spec?.replicas === unsetReplicas) {
    throw badRequest(`the spec replicas field ${JSON.stringify(path)} cannot be empty`);
  }
  checkUid(scale, old, request);
  return scale;
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
