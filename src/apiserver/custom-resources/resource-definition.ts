// One served version of a CustomResourceDefinition as a ResourceDefinition, like those of the built-in kinds.
import { createHash } from 'node:crypto';
import { decodeCustomResource } from '../../api/apiextensions/schema/decode.ts';
import { fieldOf, fieldSchema, objectSchema } from '../../api/apiextensions/schema/field-schema.ts';
import { valueAt } from '../../api/apiextensions/schema/json-path.ts';
import type { JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import { isConditionTrue } from '../../api/apiextensions/v1/custom-resource-definition/conditions.ts';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from '../../api/apiextensions/v1/types.generated.ts';
import { defineResource, type Kind } from '../../api/define.ts';
import type { ResourceDefinition, ResourceFacts } from '../../api/resource.ts';
import { type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { type ObjectSchema, type Schema, scalarSchema } from '../../apimachinery/schema/schema.ts';
import { convertByName } from './conversion.ts';
import type { Family } from './family.ts';
import type { Rules } from './rules.ts';
import { customStrategy } from './strategy.ts';
import { tableOf } from './table.ts';
import { compareVersions } from './version-order.ts';

export interface DefinitionOptions {
  readonly crd: CustomResourceDefinition;
  readonly version: CustomResourceDefinitionVersion;
  readonly family: Family;
  readonly rules: Rules | undefined;
  /** The type ObjectMeta. */
  readonly metadata: ObjectSchema;
  readonly gone: AbortSignal;
}

const allVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
/** While its definition goes; what is there can still be changed, and finalizers be taken. */
const lastVerbs = ['delete', 'deletecollection', 'get', 'list', 'watch'];
const subresourceVerbs = ['get', 'patch', 'update'];

function factsOf({ spec, status }: CustomResourceDefinition, version: string): ResourceFacts {
  const names = status?.acceptedNames ?? spec.names;
  return {
    group: spec.group,
    version,
    resource: names.plural,
    kind: names.kind,
    singular: names.singular ?? '',
    namespaced: spec.scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    verbs: allVerbs,
  };
}

function subresourcesOf(facts: ResourceFacts, { subresources }: CustomResourceDefinitionVersion): ResourceFacts[] {
  const common = { ...facts, singular: '', shortNames: [], categories: [], verbs: subresourceVerbs };
  const found: ResourceFacts[] = [];
  if (subresources?.status !== undefined) found.push({ ...common, resource: `${facts.resource}/status` });
  if (subresources?.scale) {
    const kindGroupVersion = { group: 'autoscaling', version: 'v1' };
    found.push({ ...common, resource: `${facts.resource}/scale`, kind: 'Scale', kindGroupVersion });
  }
  return found;
}

export function customResourceDefinition(options: DefinitionOptions): ResourceDefinition {
  const { crd, version, family, rules, gone } = options;
  const facts = factsOf(crd, version.name);
  const isTerminating = isConditionTrue(crd, 'Terminating');
  const schema = family.schemaOf(version.name);
  const scale = version.subresources?.scale;
  const { columns, cells } = tableOf(version.additionalPrinterColumns ?? []);
  const kind: Kind<KubeObject> = {
    strategy: customStrategy({
      schema,
      hasStatus: version.subresources?.status !== undefined,
      scale,
      rules,
      ...(isTerminating && { closed: facts }),
    }),
    columns,
    cells,
    selectableFields: selectableFields(version),
    allowUnconditionalUpdate: false,
    keepsStatusOnCreate: true,
    plainFinalizers: true,
    ...(version.deprecated && {
      deprecation: version.deprecationWarning ?? deprecation(crd.spec, version.name),
    }),
    storage: family.storageForm(version.name),
  };
  return {
    ...defineResource(facts, subresourcesOf(facts, version), kind),
    schema: typeOf(facts, schema, options),
    listKind: crd.status?.acceptedNames?.listKind ?? `${facts.kind}List`,
    ...(isTerminating && { discoveryVerbs: lastVerbs }),
    gone,
    storageVersionHash: storageVersionHash(family.storageApiVersion, facts.kind),
    inVersion: inVersion(facts, options),
    ...(scale && { scale }),
    ...(rules && { load: () => rules.load() }),
    openApiSchema: schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
}

/** Where a webhook converts, the versions are taken for one: what is asked here cannot wait for it. */
function inVersion(facts: ResourceFacts, options: DefinitionOptions): NonNullable<ResourceDefinition['inVersion']> {
  const { crd, family } = options;
  const types = new Map<string, ObjectSchema>();
  return (apiVersion) => {
    const { group, version } = parseApiVersion(apiVersion);
    if (group !== crd.spec.group || !crd.spec.versions.some(({ name }) => name === version)) return undefined;
    const isAsked = crd.spec.conversion?.strategy === 'Webhook';
    const key = isAsked ? facts.version : version;
    const schema = types.get(key) ?? typeOf({ ...facts, version: key }, family.schemaOf(key), options);
    types.set(key, schema);
    return { schema, convert: (object) => (isAsked ? object : convertByName([object], apiVersion)[0]!) };
  };
}

/** Names the best of the versions that are better and not deprecated. */
function deprecation({ group, names, versions }: CustomResourceDefinition['spec'], version: string): string {
  const [best] = versions
    .filter(({ name, served, deprecated }) => served && !deprecated && compareVersions(name, version) < 0)
    .sort((a, b) => compareVersions(a.name, b.name));
  const text = `${group}/${version} ${names.kind} is deprecated`;
  return best ? `${text}; use ${group}/${best.name} ${names.kind}` : text;
}

function selectableFields({
  selectableFields: fields = [],
}: CustomResourceDefinitionVersion): ResourceDefinition['selectableFields'] {
  return Object.fromEntries(
    fields.map(({ jsonPath }) => {
      const name = jsonPath.replace(/^\./, '');
      return [
        name,
        (object: KubeObject) => {
          const value = valueAt(object, name);
          return value === undefined ? undefined : String(value);
        },
      ];
    }),
  );
}

/** Upstream: the first 8 bytes of a hash of group, version and kind in storage. */
function storageVersionHash(apiVersion: string, kind: string): string {
  return createHash('sha256').update(`${apiVersion}/${kind}`).digest().subarray(0, 8).toString('base64');
}

function typeOf(
  { kind, version }: ResourceFacts,
  schema: JSONSchemaProps | undefined,
  { metadata, family }: DefinitionOptions,
): ObjectSchema {
  const text = scalarSchema('string');
  const meta = fieldOf('metadata', metadata, { absent: 'object' });
  const decode: NonNullable<ObjectSchema['decode']> = (value, { keepsNulls } = {}) =>
    decodeCustomResource(value, { schema, metadata, keepsUnknown: family.keepsUnknown, keepsNulls });
  return new LazyType(`${version}.${kind}`, decode, () => {
    const root = schema && fieldSchema({ ...schema, type: 'object' }, { metadata });
    const own = root?.kind === 'object' ? [...root.fields.values()].filter(({ name }) => name !== 'metadata') : [];
    const keepsOthers = !schema || family.keepsUnknown || (root?.kind === 'object' && root.others !== undefined);
    return objectSchema('', [fieldOf('apiVersion', text), fieldOf('kind', text), ...own, meta], {
      ...(keepsOthers && { others: scalarSchema('deduced') }),
    });
  });
}

/** A type that is put together when an object of it is first written. */
class LazyType implements ObjectSchema {
  readonly kind = 'object';
  readonly atomic = false;
  readonly name: string;
  readonly decode: NonNullable<ObjectSchema['decode']>;
  readonly #make: () => ObjectSchema;
  #made: ObjectSchema | undefined;

  constructor(name: string, decode: NonNullable<ObjectSchema['decode']>, make: () => ObjectSchema) {
    this.name = name;
    this.decode = decode;
    this.#make = make;
  }

  get fields(): ObjectSchema['fields'] {
    return this.#type.fields;
  }

  get filled(): ObjectSchema['filled'] {
    return this.#type.filled;
  }

  get others(): Schema | undefined {
    return this.#type.others;
  }

  get #type(): ObjectSchema {
    this.#made ??= this.#make();
    return this.#made;
  }
}
