// The versions of one definition, and how objects come from storage and go to it: pruned and defaulted by the version that
// they are stored in, converted, and pruned by the version that is wanted.
import { applyDefaults, dropForbiddenNulls, hasDefaults } from '../../api/apiextensions/schema/defaults.ts';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import { prune } from '../../api/apiextensions/schema/prune.ts';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import type { StorageForm } from '../../api/resource.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import type { Convert } from './conversion.ts';

/** Looked into when the first object comes: there may be hundreds of definitions, and most are never used. */
class VersionSchema {
  readonly schema: JSONSchemaProps | undefined;
  #hasDefaults: boolean | undefined;

  constructor(schema: JSONSchemaProps | undefined) {
    this.schema = schema;
  }

  get hasDefaults(): boolean {
    this.#hasDefaults ??= this.schema !== undefined && hasDefaults(this.schema);
    return this.#hasDefaults;
  }
}

export class Family {
  readonly group: string;
  readonly plural: string;
  /** `example.com/v1`. */
  readonly storageApiVersion: string;
  readonly keepsUnknown: boolean;
  readonly #convert: Convert;
  readonly #schemas: ReadonlyMap<string, VersionSchema>;

  constructor({ spec }: CustomResourceDefinition, convert: Convert) {
    this.group = spec.group;
    this.plural = spec.names.plural;
    this.keepsUnknown = spec.preserveUnknownFields === true;
    this.#convert = convert;
    const storage = spec.versions.find((version) => version.storage);
    this.storageApiVersion = apiVersionOf({ group: spec.group, version: storage?.name ?? '' });
    this.#schemas = new Map(
      spec.versions.map(({ name, schema }) => [name, new VersionSchema(schema?.openAPIV3Schema)]),
    );
  }

  schemaOf(version: string): JSONSchemaProps | undefined {
    return this.#schemas.get(version)?.schema;
  }

  /** The form of storage of one version. */
  storageForm(version: string): StorageForm {
    const apiVersion = apiVersionOf({ group: this.group, version });
    return {
      group: this.group,
      resource: this.plural,
      fromStorage: (objects) => this.#fromStorage(objects, apiVersion),
      ...(apiVersion !== this.storageApiVersion && {
        toStorage: (object: KubeObject) => this.#toStorage(object),
      }),
    };
  }

  #fromStorage(objects: KubeObject[], apiVersion: string): KubeObject[] | Promise<KubeObject[]> {
    for (const object of objects) this.#complete(object);
    if (objects.every((object) => object.apiVersion === apiVersion)) return objects;
    const finish = (converted: readonly KubeObject[]) => converted.map((object) => this.#pruned(object));
    const converted = this.#convert(objects, apiVersion);
    return converted instanceof Promise ? converted.then(finish) : finish(converted);
  }

  #toStorage(object: KubeObject): KubeObject | Promise<KubeObject> {
    const converted = this.#convert([object], this.storageApiVersion);
    if (converted instanceof Promise) return converted.then(([one]) => this.#pruned(one!));
    return this.#pruned(converted[0]!);
  }

  #pruned(object: KubeObject): KubeObject {
    const { schema } = this.#versionOf(object) ?? {};
    if (schema && !this.keepsUnknown) {
      prune(object as unknown as Record<string, unknown>, schema);
      dropForbiddenNulls(object, schema);
    }
    return object;
  }

  #complete(object: KubeObject): void {
    const version = this.#versionOf(object);
    if (!version?.schema) return;
    this.#pruned(object);
    if (version.hasDefaults) applyDefaults(object, version.schema);
  }

  #versionOf({ apiVersion = '' }: KubeObject): VersionSchema | undefined {
    return this.#schemas.get(parseApiVersion(apiVersion).version);
  }
}
