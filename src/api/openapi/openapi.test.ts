import { expect, test } from 'vitest';
import { table } from '../facts/enums.generated.ts';
import { builtinResources } from '../registry.ts';
import { readFacts } from '../schema/facts.ts';
import { readDescriptions } from './descriptions.ts';
import { openApi } from './openapi.ts';

const resources = builtinResources().flatMap((definition) => [definition, ...definition.subresources]);
const api = openApi({ resources, version: 'v1.36.2' });

interface Document {
  paths: Record<string, Record<string, { parameters: { name: string }[]; [key: string]: unknown }>>;
  components: { schemas: Record<string, { properties: Record<string, unknown>; [key: string]: unknown }> };
  definitions: Record<string, unknown>;
}

const parsed = (name: string) => JSON.parse(String(api.document(name)!.body)) as Document;

/** All references of a document that lead nowhere. */
function dangling(document: Document): string[] {
  const text = JSON.stringify(document);
  const names = new Set(Object.keys(document.definitions ?? document.components.schemas));
  return [...text.matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g)]
    .map(([, name]) => name!)
    .filter((name) => !names.has(name));
}

test('the index names every group and version, with the hash of its document', () => {
  const { paths } = JSON.parse(api.index()) as { paths: Record<string, { serverRelativeURL: string }> };
  expect(Object.keys(paths)).toContain('apis/discovery.k8s.io/v1');
  for (const [name, { serverRelativeURL }] of Object.entries(paths)) {
    expect(serverRelativeURL).toBe(`/openapi/v3/${name}?hash=${api.document(name)!.hash}`);
    expect(dangling(parsed(name))).toEqual([]);
  }
  expect(api.document('apis/absent.example.com/v1')).toBeUndefined();
});

test('a changed resource changes the hash of its own document only', () => {
  const other = openApi({ resources: resources.filter((r) => r.resource !== 'deployments'), version: 'v1.36.2' });
  expect(other.document('apis/apps/v1')!.hash).not.toBe(api.document('apis/apps/v1')!.hash);
  expect(other.document('api/v1')!.hash).toBe(api.document('api/v1')!.hash);
});

test('kubectl finds the kind of a resource and that its PATCH takes fieldValidation', () => {
  const { paths } = parsed('api/v1');
  const kind = { group: '', kind: 'Service', version: 'v1' };
  expect(paths['/api/v1/namespaces/{namespace}/services']).toMatchObject({
    get: { 'x-kubernetes-action': 'list', 'x-kubernetes-group-version-kind': kind },
    post: { operationId: 'createCoreV1NamespacedService' },
  });
  const patch = paths['/api/v1/namespaces/{namespace}/services/{name}']!.patch!;
  expect(patch['x-kubernetes-group-version-kind']).toEqual(kind);
  expect(patch.parameters.map((p) => p.name)).toContain('fieldValidation');
  expect(paths['/api/v1/services']).toMatchObject({ get: { operationId: 'listCoreV1ServiceForAllNamespaces' } });
  expect(paths['/api/v1/nodes/{name}/status']).toHaveProperty('put');
  expect(parsed('apis/apps/v1').paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale']).toMatchObject({
    get: { 'x-kubernetes-group-version-kind': { group: 'autoscaling', kind: 'Scale', version: 'v1' } },
  });
});

test('schemas carry what patches and field ownership need', () => {
  const { schemas } = parsed('api/v1').components;
  expect(schemas['io.k8s.api.core.v1.Service']).toMatchObject({
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: '', kind: 'Service', version: 'v1' }],
  });
  expect(schemas['io.k8s.api.core.v1.ServiceSpec']!.properties).toMatchObject({
    ports: {
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.ServicePort' },
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'port',
      'x-kubernetes-patch-strategy': 'merge',
    },
    selector: { type: 'object', additionalProperties: { type: 'string' }, 'x-kubernetes-map-type': 'atomic' },
  });
  expect(schemas['io.k8s.api.core.v1.ServicePort']).toMatchObject({ required: ['port'] });
  expect(schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString']).toMatchObject({ format: 'int-or-string' });
});

test('what a field is where it is left out is told in version 3', () => {
  const { schemas } = parsed('api/v1').components;
  const defaultOf = (type: string, field: string) =>
    (schemas[type]!.properties[field] as { default?: unknown }).default;
  const core = 'io.k8s.api.core.v1';
  expect(
    [
      ['ServicePort', 'protocol'],
      ['ServicePort', 'port'],
      ['ServicePort', 'targetPort'],
      ['Container', 'name'],
      ['Container', 'image'],
      ['Pod', 'metadata'],
      ['PodSpec', 'securityContext'],
      ['ContainerStatus', 'ready'],
      ['RBDVolumeSource', 'pool'],
      ['ContainerRestartRule', 'action'],
    ].map(([type, field]) => defaultOf(`${core}.${type}`, field!)),
  ).toEqual(['TCP', 0, undefined, '', undefined, {}, undefined, false, 'rbd', undefined]);
  expect(schemas[`${core}.Pod`]!.properties.metadata).toMatchObject({
    allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }],
  });
  expect(JSON.stringify(api.swagger().body)).not.toContain('"default":{}');
});

test('the second version holds every group at once', () => {
  const document = JSON.parse(String(api.swagger().body)) as Document;
  expect(dangling(document)).toEqual([]);
  expect(document.definitions).toHaveProperty(['io.k8s.api.apps.v1.Deployment', 'properties', 'spec', '$ref']);
  const get = document.paths['/api/v1/namespaces/{namespace}/services/{name}']!.get!;
  expect(get).toMatchObject({ responses: { '200': { schema: { $ref: '#/definitions/io.k8s.api.core.v1.Service' } } } });
});

test('every description belongs to a field that is there', () => {
  const { definitions } = JSON.parse(String(api.swagger().body)) as {
    definitions: Record<string, { properties?: object }>;
  };
  const known = new Set(
    Object.entries(definitions).flatMap(([type, { properties = {} }]) => {
      const short = type.split('.').slice(-3).join('.');
      return [short, ...Object.keys(properties).map((field) => `${short}.${field}`)];
    }),
  );
  expect(readDescriptions().names.filter((name) => !known.has(name))).toEqual([]);
});

test('operation ids are unique', () => {
  const document = JSON.parse(String(api.swagger().body)) as Document;
  const ids = Object.values(document.paths).flatMap((item) =>
    Object.values(item).flatMap((operation) => (operation.operationId === undefined ? [] : [operation.operationId])),
  );
  expect(ids.length).toBeGreaterThan(300);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test('every kind that is served has a sentence', () => {
  const descriptions = readDescriptions();
  const { typesOfKinds } = readFacts();
  const kinds = builtinResources().map((resource) => `${resource.group}/${resource.version}/${resource.kind}`);
  const silent = kinds.filter((kind) => {
    const type = typesOfKinds.get(kind)!;
    return descriptions.type(type.split('.').slice(-3).join('.')) === undefined;
  });
  expect(silent).toEqual([]);
});

test('watches and connections have paths too, which generated clients go by', () => {
  const { paths } = JSON.parse(String(api.swagger().body)) as Document;
  const of = (path: string) =>
    Object.entries((paths[path] ?? {}) as Readonly<Record<string, { readonly operationId?: string }>>).flatMap(
      ([method, { operationId }]) => (operationId === undefined ? [] : [`${method} ${operationId}`]),
    );
  expect(of('/api/v1/watch/namespaces/{namespace}/pods')).toEqual(['get watchCoreV1NamespacedPodList']);
  expect(of('/api/v1/watch/namespaces/{namespace}/pods/{name}')).toEqual(['get watchCoreV1NamespacedPod']);
  expect(of('/api/v1/watch/pods')).toEqual(['get watchCoreV1PodListForAllNamespaces']);
  expect(of('/apis/apps/v1/watch/deployments')).toEqual(['get watchAppsV1DeploymentListForAllNamespaces']);
  expect(of('/api/v1/watch/nodes/{name}')).toEqual(['get watchCoreV1Node']);
  expect(of('/api/v1/watch/bindings')).toEqual([]);
  const pod = '/api/v1/namespaces/{namespace}/pods/{name}';
  expect(of(`${pod}/exec`)).toEqual([
    'get connectGetCoreV1NamespacedPodExec',
    'post connectPostCoreV1NamespacedPodExec',
  ]);
  expect(of(`${pod}/log`)).toEqual(['get readCoreV1NamespacedPodLog']);
  expect(of(`${pod}/proxy/{path}`)).toContain('head connectHeadCoreV1NamespacedPodProxyWithPath');
});

test('what belongs to no resource has paths too: the version, the groups, the resources of each', () => {
  type Read = { get: { operationId: string; responses: Record<string, { schema: unknown }> } };
  const { paths } = JSON.parse(String(api.swagger().body)) as { paths: Record<string, Read> };
  const answered = (path: string) => {
    const { operationId, responses } = paths[path]!.get;
    return [operationId, responses['200']!.schema];
  };
  const meta = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1';
  expect(answered('/version/')).toEqual([
    'getCodeVersion',
    { $ref: '#/definitions/io.k8s.apimachinery.pkg.version.Info' },
  ]);
  expect(answered('/api/')).toEqual(['getCoreAPIVersions', { $ref: `${meta}.APIVersions` }]);
  expect(answered('/api/v1/')).toEqual(['getCoreV1APIResources', { $ref: `${meta}.APIResourceList` }]);
  expect(answered('/apis/')).toEqual(['getAPIVersions', { $ref: `${meta}.APIGroupList` }]);
  expect(answered('/apis/rbac.authorization.k8s.io/')).toEqual([
    'getRbacAuthorizationAPIGroup',
    { $ref: `${meta}.APIGroup` },
  ]);
  expect(answered('/apis/apps/v1/')).toEqual(['getAppsV1APIResources', { $ref: `${meta}.APIResourceList` }]);
  expect(answered('/openid/v1/jwks')).toEqual(['getServiceAccountIssuerOpenIDKeyset', { type: 'string' }]);
  for (const [name, path] of [
    ['version', '/version/'],
    ['apis/apps', '/apis/apps/'],
    ['apis/apps/v1', '/apis/apps/v1/'],
  ] as const) {
    expect(parsed(name).paths).toHaveProperty([path, 'get']);
  }
});

test('a group of custom resources has no path of its own', () => {
  const { resource, ...facts } = resources.find((one) => one.resource === 'configmaps')!;
  const custom = { ...facts, group: 'example.com', resource: 'widgets', kind: 'Widget', openApiSchema: {} };
  const both = openApi({ resources: [...resources, custom], version: 'v1.36.2' });
  const { paths } = JSON.parse(String(both.swagger().body)) as Document;
  expect(paths).toHaveProperty(['/apis/example.com/v1/widgets', 'get']);
  expect(Object.keys(paths).filter((path) => /^.apis.example.com.(v1.)?$/.test(path))).toEqual([]);
});

test('what DELETE answers with, as the clients that upstream generates expect it', () => {
  const { paths } = JSON.parse(String(api.swagger().body)) as {
    paths: Record<string, { delete?: { responses: Record<string, { schema: { $ref: string } }> } }>;
  };
  const answers = Object.entries(paths).flatMap(([path, item]) => {
    if (!path.endsWith('/{name}') || item.delete === undefined) return [];
    const [ok, accepted] = ['200', '202'].map((code) => item.delete!.responses[code]!.schema.$ref.split('.').at(-1)!);
    expect(accepted).toBe(ok);
    return ok === 'Status' ? [] : [ok];
  });
  expect(answers.sort()).toEqual([
    'CSIDriver',
    'CSINode',
    'DeviceClass',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'Pod',
    'PodTemplate',
    'ResourceClaim',
    'ResourceClaimTemplate',
    'ResourceQuota',
    'ResourceSlice',
    'Service',
    'ServiceAccount',
    'StorageClass',
    'VolumeAttachment',
    'VolumeAttributesClass',
  ]);
});

test('fields of a few values name them', () => {
  const swagger = JSON.parse(String(api.swagger().body)) as { definitions: Document['components']['schemas'] };
  for (const schemas of [parsed('api/v1').components.schemas, swagger.definitions]) {
    const { restartPolicy } = schemas['io.k8s.api.core.v1.PodSpec']!.properties;
    expect(restartPolicy).toMatchObject({ type: 'string', enum: ['Always', 'Never', 'OnFailure'] });
    const { ipFamilies, selector } = schemas['io.k8s.api.core.v1.ServiceSpec']!.properties;
    expect(ipFamilies).toMatchObject({ type: 'array', items: { type: 'string', enum: ['', 'IPv4', 'IPv6'] } });
    expect(selector).not.toHaveProperty('enum');
  }
});

test('the table of enums names fields that there are', () => {
  const facts = readFacts();
  const rows = table.trimEnd().split('\n').slice(1);
  const wrong = rows.filter((row) => {
    const [type = '', name = ''] = row.split('\t');
    const field = facts.factsOf(type)?.fields.find((one) => one.name === name);
    return !['string', '[]string', 'map[string]string'].includes(field?.type ?? '');
  });
  expect(wrong).toEqual([]);
});
