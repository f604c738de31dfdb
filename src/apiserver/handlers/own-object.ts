// Objects that the server itself makes when it starts. They become what a POST would make of them, but they are no request:
// nobody is asked whether it may be (webhooks could not be reached yet), and nothing is turned into JSON and back.
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import { isAlreadyExists } from '../../apimachinery/status.ts';
import { recordMaker } from './field-managers.ts';
import { decodeAs } from './object-body.ts';
import type { ServerParts } from './resource-request.ts';
import { kindOf } from './written-object.ts';

/** Creates an object unless it is there. Its kind must be a built-in one, its namespace (if it has one) is named in it. */
export async function createOwnObject(
  { registry, cache, schemas, clock }: Pick<ServerParts, 'registry' | 'cache' | 'schemas' | 'clock'>,
  { resource, object, manager }: OwnObject,
): Promise<void> {
  const store = registry.coreStore(resource.resource, resource.group, resource.version);
  const { name, namespace = '' } = object.metadata;
  await cache.waitForNow();
  if (store.cache.get(store.key(namespace, name))) return;
  const { definition } = store;
  const expected = kindOf(definition);
  const schema = schemas.schemaOf(expected);
  if (!schema) throw new Error(`no schema of ${expected.kind}`);
  const make = () => {
    const made = decodeAs(object, { expected, schema, fieldValidation: 'Strict' }).object;
    definition.strategy.default?.(made);
    recordMaker(made, { definition, schema, manager, clock });
    return made;
  };
  try {
    await store.create({ make, dryRun: false, warnings: new Set() });
  } catch (error) {
    // Another server of the same store was faster.
    if (!isAlreadyExists(error)) throw error;
  }
}

export interface OwnObject {
  readonly resource: GroupVersionResource;
  readonly object: KubeObject;
  /** Whose its fields are. */
  readonly manager: string;
}
