// The paths of resources: one path item per URL form, one operation per verb. Clients look here for the kind behind a
// resource (`kubectl explain`) and for the query parameters that a kind's operations take (`fieldValidation`).

import { apiVersionOf } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import type { ResourceFacts } from '../resource.ts';
import type { Components, JsonSchema } from './components.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Query parameters by operation. */
const query = {
  write: ['dryRun', 'fieldManager', 'fieldValidation'],
  list: [
    'allowWatchBookmarks',
    'continue',
    'fieldSelector',
    'labelSelector',
    'limit',
    'resourceVersion',
    'resourceVersionMatch',
    'sendInitialEvents',
    'timeoutSeconds',
    'watch',
  ],
  delete: [
    'dryRun',
    'gracePeriodSeconds',
    'ignoreStoreReadErrorWithClusterBreakingPotential',
    'orphanDependents',
    'propagationPolicy',
  ],
} as const;

const booleans = new Set([
  'allowWatchBookmarks',
  'sendInitialEvents',
  'watch',
  'force',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
]);
const integers = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds']);

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** No type says how lists of custom resources are merged. */
const customPatchTypes = patchTypes.filter((type) => !type.includes('strategic'));

const objectTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** A resource; a custom one brings its schema. */
type PathResource = ResourceFacts & { readonly openApiSchema?: object };

const parameterDescriptions = table<string>({
  allowWatchBookmarks: 'Whether a watch is told now and then how far it has come, by events of type BOOKMARK.',
  continue: 'The continue of the page before.',
  dryRun: 'All: everything is checked and answered as if, and nothing is kept.',
  fieldManager: 'Who writes, for managed fields; the first part of User-Agent when not set. An apply needs it.',
  fieldSelector: 'Only objects with these values of fields, as in metadata.name=a,status.phase!=Running.',
  fieldValidation:
    'What becomes of unknown and repeated fields: Strict refuses, Warn (the default) warns, Ignore drops them.',
  force: 'Of an apply: fields of other managers are taken over.',
  gracePeriodSeconds: 'Seconds until the object goes; 0 is at once.',
  ignoreStoreReadErrorWithClusterBreakingPotential: 'Delete the object though it cannot be read.',
  labelSelector: 'Only objects with these labels, as in app=a,tier in (b,c),!old.',
  limit: 'At most this many objects; the continue of the answer leads to the rest.',
  name: 'The name of the object.',
  namespace: 'The namespace of the object.',
  orphanDependents: 'Deprecated: use propagationPolicy.',
  path: 'What follows in the path of the request that is passed on.',
  pretty: 'true: JSON is indented.',
  propagationPolicy: 'What becomes of dependents: Background, Foreground or Orphan.',
  resourceVersion:
    'Of lists: not older than this, or as resourceVersionMatch says; 0 is any. Of watches: only what changed later.',
  resourceVersionMatch: 'Exact or NotOlderThan.',
  sendInitialEvents: 'Of watches: what is there comes first, as events of type ADDED, and then a BOOKMARK.',
  timeoutSeconds: 'Seconds after which the answer ends.',
  watch: 'Changes as they happen, instead of a list.',
});

interface Verb {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** x-kubernetes-action. */
  readonly action: string;
  /** The start of the operation's id. */
  readonly id: string;
  readonly parameters: readonly string[];
  readonly body: 'object' | 'patch' | 'deleteOptions' | undefined;
  readonly answer: 'object' | 'list' | 'status';
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

/** The path items of one resource or subresource; `itemKind` is the kind of the resource that a subresource belongs to. */
export function pathsOf(resource: PathResource, itemKind: string, components: Components): Record<string, JsonSchema> {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const [name = '', subresource] = resource.resource.split('/');
  const inNamespace = resource.namespaced ? '/namespaces/{namespace}' : '';
  const collection = `${root}${inNamespace}/${name}`;
  const operations = new Operations(resource, itemKind, components);
  if (subresource !== undefined) {
    // A subresource is made at its item's URL.
    const verbs = { ...itemVerbs, create: collectionVerbs.create! };
    return operations.pathItem(`${collection}/{name}/${subresource}`, verbs, resource.namespaced ? 'Namespaced' : '');
  }
  return {
    ...operations.pathItem(collection, collectionVerbs, resource.namespaced ? 'Namespaced' : ''),
    ...operations.pathItem(`${collection}/{name}`, itemVerbs, resource.namespaced ? 'Namespaced' : ''),
    ...(resource.namespaced &&
      operations.pathItem(`${root}/${name}`, { list: collectionVerbs.list! }, 'ForAllNamespaces')),
  };
}

class Operations {
  private readonly resource: PathResource;
  private readonly components: Components;
  private readonly itemKind: string;

  constructor(resource: PathResource, itemKind: string, components: Components) {
    this.resource = resource;
    this.itemKind = itemKind;
    this.components = components;
  }

  pathItem(path: string, verbs: Readonly<Record<string, Verb>>, scope: string): Record<string, JsonSchema> {
    const item: Record<string, unknown> = {};
    for (const verb of this.resource.verbs) {
      const known = verbs[verb];
      if (known) item[known.method] = this.operation(known, scope);
    }
    if (Object.keys(item).length === 0) return {};
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => this.parameter(name!, 'path'));
    return { [path]: { ...item, parameters: [...inPath, this.parameter('pretty', 'query')] } };
  }

  private operation(verb: Verb, scope: string): JsonSchema {
    const { group, version, kind, resource } = this.resource;
    const own = this.resource.kindGroupVersion ?? { group, version };
    const tag = `${(group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')).replace(/[.-]/g, '')}_${version}`;
    const camelTag = tag.replace(/(?:^|_)(\w)/g, (_, c: string) => c.toUpperCase());
    const [, subresource = ''] = resource.split('/');
    const suffix = subresource.replace(/^\w/, (c) => c.toUpperCase());
    const operationId =
      scope === 'ForAllNamespaces'
        ? `${verb.id}${camelTag}${this.itemKind}ForAllNamespaces`
        : `${verb.id}${camelTag}${scope}${this.itemKind}${suffix}`;
    return {
      operationId,
      tags: [tag],
      ...this.parametersAndBody(verb),
      responses: this.responses(verb),
      'x-kubernetes-action': verb.action,
      'x-kubernetes-group-version-kind': { group: own.group, kind, version: own.version },
    };
  }

  private parametersAndBody(verb: Verb): JsonSchema {
    const parameters: JsonSchema[] = verb.parameters.map((name) => this.parameter(name, 'query'));
    const schema = this.bodySchema(verb);
    if (schema === undefined) return { ...(this.components.version === 2 && { consumes: ['*/*'] }), parameters };
    const types = verb.body === 'patch' ? (this.resource.openApiSchema ? customPatchTypes : patchTypes) : ['*/*'];
    if (this.components.version === 2) {
      const required = verb.body !== 'deleteOptions';
      const body = { in: 'body', name: 'body', ...(required && { required }), schema };
      return { consumes: types, parameters: [body, ...parameters] };
    }
    return { parameters, requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema }])) } };
  }

  private bodySchema({ body }: Verb): JsonSchema | undefined {
    if (body === 'patch') return this.components.reference(`${META}.Patch`);
    if (body === 'deleteOptions') return this.components.reference(`${META}.DeleteOptions`);
    return body === 'object' ? this.kindSchema('') : undefined;
  }

  private kindSchema(suffix: string): JsonSchema | undefined {
    const { group, version } = this.resource.kindGroupVersion ?? this.resource;
    return this.components.kind(`${group}/${version}/${this.resource.kind}${suffix}`);
  }

  private responses({ answer, method }: Verb): JsonSchema {
    const schema =
      answer === 'status'
        ? this.components.reference(`${META}.Status`)
        : (this.kindSchema(answer === 'list' ? 'List' : '') ?? { type: 'string' });
    const ok = this.response('OK', schema);
    return {
      '200': ok,
      ...(method === 'post' && { '201': this.response('Created', schema), '202': this.response('Accepted', schema) }),
      ...((method === 'put' || method === 'patch') && { '201': this.response('Created', schema) }),
      '401': { description: 'Unauthorized' },
    };
  }

  private response(description: string, schema: JsonSchema): JsonSchema {
    if (this.components.version === 2) return { description, schema };
    return { description, content: Object.fromEntries(objectTypes.map((type) => [type, { schema }])) };
  }

  private parameter(name: string, place: 'path' | 'query'): JsonSchema {
    const type = booleans.has(name) ? 'boolean' : integers.has(name) ? 'integer' : 'string';
    const description = parameterDescriptions[name];
    const common = {
      name,
      in: place,
      ...(description && { description }),
      ...(place === 'path' && { required: true }),
    };
    if (this.components.version === 2) return { ...common, type, uniqueItems: true };
    return { ...common, schema: { type, uniqueItems: true } };
  }
}

/** `api/v1`, `apis/apps/v1`: what /openapi/v3 calls the document of a group and version. */
export function documentName(gv: { readonly group: string; readonly version: string }): string {
  return `${gv.group === '' ? 'api' : 'apis'}/${apiVersionOf(gv)}`;
}
