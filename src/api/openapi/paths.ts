// The paths of resources: one path item per URL form, one operation per verb. Clients look here for the kind behind a
// resource (`kubectl explain`) and for the query parameters that a kind's operations take (`fieldValidation`).

import { apiVersionOf } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import type { ResourceFacts } from '../resource.ts';
import type { Components, JsonSchema } from './components.ts';
import { type Connection, connections, logParameters } from './connections.ts';
import { parameter, query } from './parameters.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** No type says how lists of custom resources are merged. */
const customPatchTypes = patchTypes.filter((type) => !type.includes('strategic'));

const plainTypes = ['application/json', 'application/yaml'];
export const objectTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

const watchTypes = [
  'application/json',
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
];

/** A resource; a custom one brings its schema. */
export type PathResource = ResourceFacts & {
  readonly openApiSchema?: object;
  /** DELETE answers with the object rather than with a Status. */
  readonly returnsDeletedObject?: boolean;
};

interface Verb {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** x-kubernetes-action. */
  readonly action: string;
  /** The start of the operation's id. */
  readonly id: string;
  readonly parameters: readonly string[];
  readonly body: 'object' | 'patch' | 'deleteOptions' | undefined;
  readonly answer: 'object' | 'list' | 'status' | 'event' | 'text';
  /** The end of the operation's id. */
  readonly idEnd?: string;
}

const collectionVerbs = table<Verb>({
  list: { method: 'get', action: 'list', id: 'list', parameters: query.list, body: undefined, answer: 'list' },
  create: { method: 'post', action: 'post', id: 'create', parameters: query.write, body: 'object', answer: 'object' },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    id: 'deleteCollection',
    parameters: [
      ...query.delete,
      'continue',
      'fieldSelector',
      'labelSelector',
      'limit',
      'resourceVersion',
      'resourceVersionMatch',
      'timeoutSeconds',
    ],
    body: 'deleteOptions',
    answer: 'status',
  },
});

const itemVerbs = table<Verb>({
  get: { method: 'get', action: 'get', id: 'read', parameters: [], body: undefined, answer: 'object' },
  update: { method: 'put', action: 'put', id: 'replace', parameters: query.write, body: 'object', answer: 'object' },
  patch: {
    method: 'patch',
    action: 'patch',
    id: 'patch',
    parameters: [...query.write, 'force'],
    body: 'patch',
    answer: 'object',
  },
  delete: {
    method: 'delete',
    action: 'delete',
    id: 'delete',
    parameters: query.delete,
    body: 'deleteOptions',
    answer: 'status',
  },
});

/** Deprecated: the query parameter `watch` does the same. */
const watchVerb: Verb = {
  method: 'get',
  action: 'watch',
  id: 'watch',
  parameters: query.list,
  body: undefined,
  answer: 'event',
};
const watchListVerb: Verb = { ...watchVerb, action: 'watchlist', idEnd: 'List' };
const deleteVerb = itemVerbs.delete!;
const logVerb: Verb = { ...itemVerbs.get!, parameters: logParameters, answer: 'text' };

/** The path items of one resource or subresource; `itemKind` is the kind of the resource that a subresource belongs to. */
export function pathsOf(resource: PathResource, itemKind: string, components: Components): Record<string, JsonSchema> {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const [name = '', subresource] = resource.resource.split('/');
  const inNamespace = resource.namespaced ? '/namespaces/{namespace}' : '';
  const collection = `${root}${inNamespace}/${name}`;
  const operations = new Operations(resource, itemKind, components);
  const scope = resource.namespaced ? 'Namespaced' : '';
  if (subresource !== undefined) {
    const path = `${collection}/{name}/${subresource}`;
    const connection = resource.group === '' ? connections[resource.resource] : undefined;
    if (connection) return operations.connectItems(path, connection, scope);
    // A subresource is made at its item's URL.
    const verbs = { ...itemVerbs, create: collectionVerbs.create!, ...(subresource === 'log' && { get: logVerb }) };
    return operations.pathItem(path, verbs, scope);
  }
  const watched = `${root}/watch${inNamespace}/${name}`;
  return {
    ...operations.pathItem(collection, collectionVerbs, scope),
    ...operations.pathItem(`${collection}/{name}`, verbsOfItem(resource), scope),
    ...operations.pathItem(watched, { watch: watchListVerb }, scope),
    ...operations.pathItem(`${watched}/{name}`, { watch: watchVerb }, scope),
    ...(resource.namespaced && {
      ...operations.pathItem(`${root}/${name}`, { list: collectionVerbs.list! }, 'ForAllNamespaces'),
      ...operations.pathItem(`${root}/watch/${name}`, { watch: watchListVerb }, 'ForAllNamespaces'),
    }),
  };
}

function verbsOfItem({ returnsDeletedObject }: PathResource): Readonly<Record<string, Verb>> {
  return returnsDeletedObject ? { ...itemVerbs, delete: { ...deleteVerb, answer: 'object' } } : itemVerbs;
}

class Operations {
  readonly #resource: PathResource;
  readonly #components: Components;
  readonly #itemKind: string;

  constructor(resource: PathResource, itemKind: string, components: Components) {
    this.#resource = resource;
    this.#itemKind = itemKind;
    this.#components = components;
  }

  pathItem(path: string, verbs: Readonly<Record<string, Verb>>, scope: string): Record<string, JsonSchema> {
    const item: Record<string, unknown> = {};
    for (const verb of this.#resource.verbs) {
      const known = verbs[verb];
      if (known) item[known.method] = this.#operation(known, scope);
    }
    if (Object.keys(item).length === 0) return {};
    return { [path]: { ...item, parameters: [...this.#inPath(path), this.#parameter('pretty', 'query')] } };
  }

  #inPath(path: string): JsonSchema[] {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    return names.sort().map((name) => this.#parameter(name, 'path'));
  }

  /** A subresource that is connected to: with any method it has, and with a path that is passed on. */
  connectItems(
    path: string,
    { methods, parameters, takesPath }: Connection,
    scope: string,
  ): Record<string, JsonSchema> {
    const item = (at: string, idEnd: string) => ({
      ...Object.fromEntries(methods.map((method) => [method, this.#connectOperation(method, scope, idEnd)])),
      parameters: [...this.#inPath(at), ...parameters.map((name) => this.#parameter(name, 'query'))],
    });
    return {
      [path]: item(path, ''),
      ...(takesPath && { [`${path}/{path}`]: item(`${path}/{path}`, 'WithPath') }),
    };
  }

  #connectOperation(method: string, scope: string, idEnd: string): JsonSchema {
    const id = `connect${method.replace(/^\w/, (c) => c.toUpperCase())}`;
    const isV2 = this.#components.version === 2;
    return {
      ...this.#identity({ id, action: 'connect', idEnd }, scope),
      ...(isV2 && { consumes: ['*/*'], produces: ['*/*'] }),
      responses: {
        '200': { description: 'OK', ...contentOf(this.#components, { type: 'string' }, ['*/*']) },
        '401': { description: 'Unauthorized' },
      },
    };
  }

  #operation(verb: Verb, scope: string): JsonSchema {
    const objects = this.#resource.openApiSchema ? plainTypes : objectTypes;
    const produces = verb.answer === 'text' ? ['text/plain'] : verb.answer === 'event' ? watchTypes : objects;
    return {
      ...this.#identity(verb, scope),
      ...(this.#components.version === 2 && { produces }),
      ...this.#parametersAndBody(verb),
      responses: this.#responses(verb, produces),
    };
  }

  /** Its id, and what it does to which kind. */
  #identity({ id, action, idEnd = '' }: Pick<Verb, 'id' | 'action' | 'idEnd'>, scope: string): JsonSchema {
    const { group, version, kind, resource } = this.#resource;
    const own = this.#resource.kindGroupVersion ?? { group, version };
    const tag = tagOf(group, version);
    const camelTag = idPart(tag);
    const [, subresource = ''] = resource.split('/');
    const suffix = subresource.replace(/^\w/, (c) => c.toUpperCase());
    const operationId =
      scope === 'ForAllNamespaces'
        ? `${id}${camelTag}${this.#itemKind}${idEnd}ForAllNamespaces`
        : `${id}${camelTag}${scope}${this.#itemKind}${suffix}${idEnd}`;
    return {
      operationId,
      tags: [tag],
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': { group: own.group, kind, version: own.version },
    };
  }

  #parametersAndBody(verb: Verb): JsonSchema {
    const parameters: JsonSchema[] = verb.parameters.map((name) => this.#parameter(name, 'query'));
    const schema = this.#bodySchema(verb);
    const isCustom = this.#resource.openApiSchema !== undefined;
    const any = isCustom ? plainTypes : ['*/*'];
    if (schema === undefined) return { ...(this.#components.version === 2 && { consumes: any }), parameters };
    const types = verb.body === 'patch' ? (isCustom ? customPatchTypes : patchTypes) : any;
    const required = verb.body !== 'deleteOptions';
    if (this.#components.version === 2) {
      const body = { in: 'body', name: 'body', ...(required && { required }), schema };
      return { consumes: types, parameters: [body, ...parameters] };
    }
    const content = Object.fromEntries(types.map((type) => [type, { schema }]));
    return { parameters, requestBody: { content, ...(required && { required }) } };
  }

  #bodySchema({ body }: Verb): JsonSchema | undefined {
    if (body === 'patch') return this.#components.reference(`${META}.Patch`);
    if (body === 'deleteOptions') return this.#components.reference(`${META}.DeleteOptions`);
    return body === 'object' ? this.#kindSchema('') : undefined;
  }

  #kindSchema(suffix: string): JsonSchema | undefined {
    const { group, version } = this.#resource.kindGroupVersion ?? this.#resource;
    return this.#components.kind(`${group}/${version}/${this.#resource.kind}${suffix}`);
  }

  #answerSchema(answer: Verb['answer']): JsonSchema {
    if (answer === 'status') return this.#components.reference(`${META}.Status`);
    if (answer === 'event') return this.#components.reference(`${META}.WatchEvent`);
    if (answer === 'text') return { type: 'string' };
    return this.#kindSchema(answer === 'list' ? 'List' : '') ?? { type: 'string' };
  }

  #parameter(name: string, place: 'path' | 'query'): JsonSchema {
    return parameter(name, place, this.#components.version);
  }

  #responses({ action, answer, method }: Verb, types: readonly string[]): JsonSchema {
    const schema = this.#answerSchema(answer);
    const response = (description: string) => ({ description, ...contentOf(this.#components, schema, types) });
    return {
      '200': response('OK'),
      ...(method !== 'get' && method !== 'delete' && { '201': response('Created') }),
      ...((method === 'post' || action === 'delete') && { '202': response('Accepted') }),
      '401': { description: 'Unauthorized' },
    };
  }
}

/** What an answer holds, in the words of Swagger or of OpenAPI 3. */
export function contentOf({ version }: Components, schema: JsonSchema, types: readonly string[]): JsonSchema {
  return version === 2 ? { schema } : { content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

/** `core_v1`, `rbacAuthorization_v1`; of a group alone, `apps`. */
export function tagOf(group: string, version?: string): string {
  const short = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '');
  const tag = short.replace(/[.-](\w?)/g, (_, c: string) => c.toUpperCase());
  return version === undefined ? tag : `${tag}_${version}`;
}

/** A tag as it stands in ids of operations: `CoreV1`. */
export function idPart(tag: string): string {
  return tag.replace(/(?:^|_)(\w)/g, (_, c: string) => c.toUpperCase());
}

/** `api/v1`, `apis/apps/v1`: what /openapi/v3 calls the document of a group and version. */
export function documentName(gv: { readonly group: string; readonly version: string }): string {
  return `${gv.group === '' ? 'api' : 'apis'}/${apiVersionOf(gv)}`;
}
