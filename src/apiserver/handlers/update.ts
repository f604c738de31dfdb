// PUT: replaces an object, or the part of it that a subresource is.

import type { ResourceDefinition } from '../../api/resource.ts';
import { setKey } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, conflict } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import type { UpdateStrategy } from '../registry/write-request.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { readObject } from './body.ts';
import { kindOf, placeInNamespace, schemaFor } from './create.ts';
import { recordManager } from './field-managers.ts';
import { writeQuery } from './options.ts';
import { dropRepeatedOwners } from './owner-references.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';

/** The rules of an update: of the object itself, or of one of its subresources. */
export function updateStrategy(definition: ResourceDefinition, subresource: string): UpdateStrategy {
  const { strategy } = definition;
  if (subresource === '') return strategy;
  const own = strategy.subresources?.[subresource];
  if (own) return own;
  if (subresource === 'finalize') return { prepareForUpdate: keepAllBut('spec') };
  if (subresource === 'approval') return { prepareForUpdate: keepAllBut('status') };
  return {
    ...(strategy.prepareForStatusUpdate && { prepareForUpdate: strategy.prepareForStatusUpdate }),
    ...(strategy.validateStatusUpdate && { validateUpdate: strategy.validateStatusUpdate }),
  };
}

function keepAllBut(part: 'spec' | 'status'): (object: KubeObject, old: KubeObject) => void {
  return (object, old) => {
    const target = object as KubeObject & Record<string, unknown>;
    const source = old as KubeObject & Record<string, unknown>;
    for (const key of Object.keys(target)) if (key !== part && key !== 'metadata') delete target[key];
    for (const [key, value] of Object.entries(source))
      if (key !== part && key !== 'metadata') setKey(target, key, value);
  };
}

export function checkName(object: KubeObject, { info }: ResourceRequest): void {
  const { name } = object.metadata;
  if (!name) {
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== info.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
  }
}

/** Where upstream keeps an object: part of the text of one conflict. */
function upstreamKey({ definition, info }: ResourceRequest): string {
  const folders = table<string>({
    services: 'services/specs',
    endpoints: 'services/endpoints',
    nodes: 'minions',
    ingresses: 'ingress',
  });
  const folder = folders[definition.resource] ?? definition.resource;
  const group = definition.schema === undefined ? [] : [definition.group];
  return ['/registry', ...group, folder, ...(info.namespace ? [info.namespace] : []), info.name].join('/');
}

/** 409 where the object is of another UID than the present one, or there is none. */
export function checkUid(object: KubeObject, old: Readonly<KubeObject> | undefined, request: ResourceRequest): void {
  const given = object.metadata.uid;
  const present = old?.metadata.uid ?? '';
  if (!given || given === present) return;
  const why = `Precondition failed: UID in precondition: ${given}, UID in object meta: ${present}`;
  throw conflict(
    request.definition,
    request.info.name,
    `StorageError: invalid object, Code: 4, Key: ${upstreamKey(request)}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  );
}

export async function handleUpdate(request: ResourceRequest): Promise<ApiResponse> {
  const { definition, info, store, warnings } = request;
  const { dryRun, fieldValidation, fieldManager } = writeQuery(request.request.query, 'UpdateOptions');
  const expected = kindOf(definition);
  const schema = schemaFor(request, expected);
  const decode = await readObject({ request: request.request, expected, schema, fieldValidation, warnings });
  const { namespace, name, subresource } = info;
  const read = () => {
    const object = decode();
    placeInNamespace(object, request);
    checkName(object, request);
    return object;
  };
  // Before the object is looked for: one of another name is refused at any rate.
  let unused: KubeObject | undefined = read();
  const admission = writeAdmission(request, { dryRun });
  const result = await store.update({
    namespace,
    name,
    dryRun,
    warnings,
    mayCreate: subresource === '' && definition.allowCreateOnUpdate,
    strategy: updateStrategy(definition, subresource),
    check: admission.validate,
    async transform(old) {
      const object = unused ?? read();
      unused = undefined;
      dropRepeatedOwners(object, { warnings, of: 'body' });
      checkUid(object, old, request);
      definition.strategy.default?.(object);
      recordManager(request, { object, old, fieldManager });
      await admission.admit(object, old);
      return object;
    },
  });
  return objectResponse(request, result.object, result.created ? 201 : 200);
}
