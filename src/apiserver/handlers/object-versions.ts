// The versions of a resource, for who manages its fields: an entry of managedFields is in the version that was written.
import type { ConvertedVersion, ResourceDefinition } from '../../api/resource.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { misfits } from '../../apimachinery/managedfields/check-applied.ts';
import { withoutManagedFields } from '../../apimachinery/managedfields/record-update.ts';
import { ConversionError, type Versions, type VersionView } from '../../apimachinery/managedfields/versions.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import type { ObjectSchema } from '../../apimachinery/schema/schema.ts';
import { ownFieldsOf } from './own-fields.ts';
import type { ResourceRequest } from './resource-request.ts';
import { kindOf, schemaFor } from './written-object.ts';

/** What a request for `definition` needs to know of all versions; others than its own are looked at only when they are met. */
export function versionsOf(request: ResourceRequest, schema: ObjectSchema): Versions {
  const { definition, info } = request;
  const own = apiVersionOf(definition);
  const view: VersionView = { schema, own: ownFieldsOf(definition, info.subresource) };
  const misfit = (object: unknown) => misfits(withoutManagedFields(object), schema, { allowDuplicates: true });
  return {
    ...(definition.inVersion && { misfit }),
    view(apiVersion) {
      if (apiVersion === own) return view;
      const other = otherVersion(request, apiVersion);
      // Of a custom resource each version resets its own fields only.
      return other && { schema: other.schema, own: definition.inVersion ? undefined : view.own };
    },
    convert(object, apiVersion) {
      // What Go makes of nothing has no version, and is the same in all.
      const { apiVersion: from = own } = object as KubeObject;
      if (from === apiVersion) return object;
      const target =
        apiVersion === own
          ? (definition.inVersion?.(own) ?? builtIn(definition, schema))
          : otherVersion(request, apiVersion);
      const source = from === own ? definition : definitionOf(request, from);
      const converted = target?.convert(toStorage(object as KubeObject, source));
      if (converted === undefined) return object;
      const wrong = definition.inVersion && misfits(converted, target!.schema);
      if (wrong !== undefined) throw new ConversionError(wrong);
      return converted;
    },
  };
}

function otherVersion(request: ResourceRequest, apiVersion: string): ConvertedVersion | undefined {
  const { definition } = request;
  if (!definition.inVersion) {
    const other = definitionOf(request, apiVersion);
    return other && builtIn(other, schemaFor({ ...request, definition: other }, kindOf(other)));
  }
  const version = definition.inVersion(apiVersion);
  if (version) return version;
  throw new ConversionError(`request to convert CR to an invalid group/version: ${apiVersion}`);
}

function definitionOf({ parts, definition }: ResourceRequest, apiVersion: string): ResourceDefinition | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  return parts.registry.find(group, version, definition.resource);
}

/** A built-in version, by way of the form of storage. */
function builtIn({ storage }: ResourceDefinition, schema: ObjectSchema): ConvertedVersion {
  return {
    schema,
    convert(object) {
      const served = storage?.fromStorage?.([object]) ?? [object];
      return served instanceof Promise ? object : served[0]!;
    },
  };
}

function toStorage(object: KubeObject, definition: ResourceDefinition | undefined): KubeObject {
  if (!definition?.storage?.toStorage || definition.inVersion) return object;
  const stored = definition.storage.toStorage(jsonCopy(object));
  return stored instanceof Promise ? object : stored;
}
