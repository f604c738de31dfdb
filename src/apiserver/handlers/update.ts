// PUT: replaces an object, or the part of it that a subresource is.

import type { ResourceDefinition } from '../../api/resource.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { UpdateStrategy } from '../registry/write-request.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { recordManager } from './field-managers.ts';
import { readObject } from './object-body.ts';
import { writeQuery } from './options.ts';
import { dropRepeatedOwners } from './owner-references.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkName, checkUid, kindOf, placeInNamespace, schemaFor } from './written-object.ts';

/** The rules of an update: of the object itself, or of one of its subresources. */
export function updateStrategy(definition: ResourceDefinition, subresource: string): UpdateStrategy {
  const { strategy } = definition;
  if (subresource === '') return strategy;
  const own = strategy.subresources?.[subresource];
  if (own) return own;
  return {
    ...(strategy.prepareForStatusUpdate && { prepareForUpdate: strategy.prepareForStatusUpdate }),
    ...(strategy.validateStatusUpdate && { validateUpdate: strategy.validateStatusUpdate }),
    ...(strategy.statusWarnings && { warnings: strategy.statusWarnings }),
  };
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
