import { expect, test } from 'vitest';
import { parseJson } from '../apimachinery/json/parse.ts';
import { convertObject, DecodeError, decodeObject } from '../apimachinery/schema/decode.ts';
import { decodeBody } from '../apimachinery/schema/request-body.ts';
import { StatusError } from '../apimachinery/status.ts';
import { readFacts } from './schema/facts.ts';
import { builtinSchemas } from './schema.ts';

const schemas = builtinSchemas();
const service = schemas.schemaOf({ group: '', version: 'v1', kind: 'Service' })!;
const pod = schemas.schemaOf({ group: '', version: 'v1', kind: 'Pod' })!;
const resourceQuota = schemas.schemaOf({ group: '', version: 'v1', kind: 'ResourceQuota' })!;
const deployment = schemas.schemaOf({ group: 'apps', version: 'v1', kind: 'Deployment' })!;
const node = schemas.schemaOf({ group: '', version: 'v1', kind: 'Node' })!;
const slice = schemas.schemaOf({ group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice' })!;

test('every type of the tables has a schema, and every field of it a known type', () => {
  const facts = readFacts();
  const wrong: string[] = [];
  for (const name of facts.typeNames) {
    if (facts.factsOf(name)!.fields.some((f) => f.name === '(itself)')) continue;
    const schema = schemas.typeSchema(name);
    if (!schema || schema.fields.size === 0) wrong.push(name);
    for (const field of schema?.fields.values() ?? []) {
      const { schema: type } = field;
      if (type.kind === 'list' && type.type === 'map' && type.items.kind === 'object') {
        for (const key of type.keys)
          if (!type.items.fields.has(key)) wrong.push(`${name}.${field.name} lacks key ${key}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('list keys, merge keys and atomic types come from the tables', () => {
  const spec = service.fields.get('spec')!.schema;
  if (spec.kind !== 'object') throw new Error('a Service has a spec');
  const ports = spec.fields.get('ports')!;
  expect(ports).toMatchObject({ patchStrategy: ['merge'], patchMergeKey: 'port' });
  expect(ports.schema).toMatchObject({ kind: 'list', type: 'map', keys: ['port', 'protocol'] });
  expect(spec.fields.get('selector')!.schema).toMatchObject({ kind: 'map', atomic: true });
  expect(schemas.schemaOf({ group: '', version: 'v1', kind: 'Nothing' })).toBeUndefined();
});

test('a Service is decoded as Go encodes it again', () => {
  const value = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', creationTimestamp: null, labels: {}, annotations: { a: null } },
    spec: { ports: [{ name: '', targetPort: 'http', nodePort: 0 }], externalName: '', publishNotReadyAddresses: false },
  };
  expect(decodeObject(value, service)).toEqual({
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', annotations: { a: '' } },
      spec: { ports: [{ port: 0, targetPort: 'http' }] },
      status: { loadBalancer: {} },
    },
    unknownFields: [],
  });
});

// What k8s.io/api 1.36 makes of each object, read from JSON and written again.
test.each<[string, object, object]>([
  [
    'apps.v1.StatefulSetSpec',
    { selector: {}, template: null },
    { selector: {}, template: emptyTemplate(), serviceName: '', updateStrategy: {} },
  ],
  [
    'apps.v1.DeploymentCondition',
    { type: 'A', status: 'True' },
    { type: 'A', status: 'True', lastTransitionTime: null, lastUpdateTime: null },
  ],
  ['autoscaling.v2.HorizontalPodAutoscalerStatus', {}, { currentMetrics: null, desiredReplicas: 0 }],
  ['core.v1.TypedLocalObjectReference', { kind: 'A', name: 'a' }, { apiGroup: null, kind: 'A', name: 'a' }],
  ['core.v1.TypedObjectReference', { apiGroup: '', kind: 'A', name: 'a' }, { apiGroup: '', kind: 'A', name: 'a' }],
  ['core.v1.ProjectedVolumeSource', { sources: null }, { sources: null }],
  ['core.v1.ContainerImage', { sizeBytes: 0 }, { names: null }],
  ['core.v1.NodeRuntimeHandler', {}, { name: '' }],
  [
    'core.v1.AzureFilePersistentVolumeSource',
    { secretName: 'a', shareName: 'b' },
    { secretName: 'a', secretNamespace: null, shareName: 'b' },
  ],
  ['storage.v1.CSINodeDriver', { name: 'a', nodeID: 'b' }, { name: 'a', nodeID: 'b', topologyKeys: null }],
  ['resource.v1.DeviceClaim', {}, { requests: null }],
  [
    'events.v1.Event',
    { note: 'a' },
    {
      metadata: {},
      note: 'a',
      regarding: {},
      deprecatedSource: {},
      eventTime: null,
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
    },
  ],
  ['networking.v1.HTTPIngressPath', { backend: {}, pathType: '' }, { backend: {}, pathType: '' }],
  ['admissionregistration.v1.ValidatingAdmissionPolicySpec', { failurePolicy: '' }, { failurePolicy: '' }],
  ['autoscaling.v2.HPAScalingRules', { selectPolicy: '' }, { selectPolicy: '' }],
])('%s %j is written as Go writes it', (type, value, written) => {
  expect(decodeObject(value, schemas.typeSchema(`io.k8s.api.${type}`)!).object).toEqual(written);
});

// The same by way of protocol buffers, as storage has it.
test.each<[string, object, object]>([
  ['core.v1.ProjectedVolumeSource', { sources: [] }, { sources: null }],
  ['core.v1.LimitRangeSpec', { limits: [] }, { limits: null }],
  ['core.v1.ContainerImage', { names: [] }, { names: null }],
  ['rbac.v1.Role', { rules: [] }, { metadata: {}, rules: null }],
  ['storage.v1.CSINodeSpec', { drivers: [] }, { drivers: null }],
  ['batch.v1.PodFailurePolicy', { rules: [] }, { rules: null }],
  ['resource.v1.DeviceClaim', { requests: [] }, { requests: null }],
  ['networking.v1.NetworkPolicySpec', { podSelector: {}, ingress: [] }, { podSelector: {} }],
  [
    'discovery.v1.EndpointSlice',
    { addressType: 'IPv4', endpoints: [], ports: [] },
    { metadata: {}, addressType: 'IPv4', endpoints: null, ports: null },
  ],
])('%s %j has no empty lists', (type, value, written) => {
  expect(decodeObject(value, schemas.typeSchema(`io.k8s.api.${type}`)!).object).toEqual(written);
});

function emptyTemplate(): object {
  return { metadata: {}, spec: { containers: [] } };
}

test.each([
  ['networking.v1.HTTPIngressPath', 'pathType'],
  ['admissionregistration.v1.MutatingWebhook', 'sideEffects'],
  ['resource.v1.CapacityRequestPolicyRange', 'min'],
  ['resource.v1.CounterSet', 'counters'],
  ['admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec', 'validationActions'],
])('%s.%s that is left out is missed by validation, not found wrong', (type, field) => {
  expect(decodeObject({}, schemas.typeSchema(`io.k8s.api.${type}`)!).object).not.toHaveProperty(field);
});

// What k8s.io/apimachinery 1.36 says of each when its converter, and not its decoder, makes the object.
test.each<[string, object, string]>([
  ['apps/Deployment', { spec: 'a' }, 'cannot restore struct from: string'],
  ['apps/Deployment', { spec: { replicas: '3' } }, 'unrecognized type: int32'],
  ['apps/Deployment', { spec: { replicas: 1.5 } }, 'cannot convert float64 to int32'],
  ['apps/Deployment', { spec: { replicas: [1] } }, 'unrecognized type: int32'],
  ['apps/Deployment', { spec: { paused: 0 } }, 'unrecognized type: bool'],
  ['apps/Deployment', { spec: { strategy: { type: 1 } } }, 'cannot convert int64 to v1.DeploymentStrategyType'],
  ['apps/Deployment', { spec: { strategy: { type: 1.5 } } }, 'unrecognized type: string'],
  ['apps/Deployment', { spec: { strategy: { type: true } } }, 'unrecognized type: string'],
  [
    'apps/Deployment',
    { spec: { strategy: { rollingUpdate: { maxSurge: 1.5 } } } },
    'json: cannot unmarshal number 1.5 into Go value of type int32',
  ],
  ['apps/Deployment', { metadata: { labels: 'a' } }, 'cannot restore map from string'],
  [
    'apps/Deployment',
    { metadata: { creationTimestamp: 1 } },
    'json: cannot unmarshal number into Go value of type string',
  ],
  ['/Secret', { data: { a: '?' } }, 'error decoding from json: illegal base64 data at input byte 0'],
  ['/Secret', { data: { a: 1 } }, 'cannot restore slice from int64'],
  ['/ConfigMap', { metadata: { finalizers: {} } }, 'cannot restore slice from map'],
])('%s %j is refused: %s', (type, value, why) => {
  const [group = '', kind = ''] = type.split('/');
  const schema = schemas.schemaOf({ group, version: 'v1', kind })!;
  expect(() => convertObject(value, schema)).toThrow(new DecodeError(why));
});

// Recorded from k8s.io/apimachinery 1.36, on amd64.
test.each<[number | bigint, number]>([
  [2 ** 31, -(2 ** 31)],
  [2 ** 32 + 1, 1],
  [-(2 ** 31) - 1, 2 ** 31 - 1],
  [3e9, -1_294_967_296],
  [2n ** 63n - 1n, -1],
  [2 ** 63, 0],
  [1e20, 0],
])('%d converted to an int32 is %i', (given, replicas) => {
  expect(convertObject({ spec: { replicas: given } }, deployment).object.spec).toMatchObject({ replicas });
});

test('beyond an int64, what is converted is the smallest, as far as numbers are exact', () => {
  const { object } = convertObject({ metadata: { generation: 1e20 } }, deployment);
  expect(object.metadata).toMatchObject({ generation: Number.MIN_SAFE_INTEGER });
});

test('a quantity may be any number', () => {
  const schema = schemas.schemaOf({ group: '', version: 'v1', kind: 'ResourceQuota' })!;
  const given = { spec: { hard: { pods: 2n ** 63n - 1n } } };
  const kept = { spec: { hard: { pods: '9223372036854775807' } } };
  expect(decodeObject(given, schema).object).toMatchObject(kept);
  expect(convertObject(given, schema).object).toMatchObject(kept);
});

test('unknown fields of what was converted come sorted', () => {
  const { unknownFields } = convertObject({ b: 1, metadata: { a: 1 }, a: 1 }, deployment);
  expect(unknownFields).toEqual(['a', 'b', 'metadata.a']);
});

test('a revision of any JSON', () => {
  const schema = schemas.schemaOf({ group: 'apps', version: 'v1', kind: 'ControllerRevision' })!;
  expect(decodeObject({ data: 5 }, schema).object).toMatchObject({ data: 5, revision: 0 });
});

test('managedFields without an entry are more than none, of the object itself', () => {
  const metadata = { name: 'a', managedFields: [] };
  const { object } = decodeObject({ metadata, spec: { template: { metadata } } }, deployment);
  expect(object).toMatchObject({ metadata, spec: { template: { metadata: { name: 'a' } } } });
  expect(object.spec).not.toHaveProperty('template.metadata.managedFields');
});

test('pointers keep their zero, plain structs are written, quantities are canonical', () => {
  const value = {
    spec: {
      replicas: 0,
      paused: false,
      template: {
        spec: { containers: [{ name: 'c', resources: { limits: { cpu: 0.5 } } }], terminationGracePeriodSeconds: 0 },
      },
    },
  };
  expect(decodeObject(value, deployment).object).toEqual({
    metadata: {},
    spec: {
      replicas: 0,
      strategy: {},
      template: {
        metadata: {},
        spec: { containers: [{ name: 'c', resources: { limits: { cpu: '500m' } } }], terminationGracePeriodSeconds: 0 },
      },
    },
    status: {},
  });
  expect(decodeObject({ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] }, slice).object).toEqual({
    metadata: {},
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: {} }],
    ports: null,
  });
  const runtimeHandlers = [{ features: { userNamespaces: false } }, { name: 'runc' }];
  expect(decodeObject({ status: { runtimeHandlers } }, node).object).toMatchObject({
    status: { runtimeHandlers: [{ name: '', features: { userNamespaces: false } }, { name: 'runc' }] },
  });
});

test.each([
  [
    { spec: { ports: 'text' } },
    'json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
  ],
  [
    { spec: { ports: [{ port: 'eighty' }] } },
    'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
  ],
  [
    { spec: { ports: [{ port: 1.5 }] } },
    'json: cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.port of type int32',
  ],
  [
    { spec: { ports: [{ port: 2 ** 31 }] } },
    'json: cannot unmarshal number 2147483648 into Go struct field ServicePort.spec.ports.port of type int32',
  ],
  [
    { spec: { selector: { a: 1 } } },
    'json: cannot unmarshal number into Go struct field ServiceSpec.spec.selector of type string',
  ],
  [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Service.spec of type v1.ServiceSpec'],
  [
    { spec: { publishNotReadyAddresses: 'yes' } },
    'json: cannot unmarshal string into Go struct field ServiceSpec.spec.publishNotReadyAddresses of type bool',
  ],
  [
    { spec: { ports: [{ targetPort: true }] } },
    'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
  ],
  [
    { metadata: { creationTimestamp: 'x' } },
    'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
  ],
])('%j is refused', (value, message) => {
  expect(() => decodeObject(value, service)).toThrow(new DecodeError(message));
});

const notText = 'json: cannot unmarshal number into Go struct field';
test.each([
  [{ kind: 1 }, `${notText} Pod.TypeMeta.kind of type string`],
  [{ status: { phase: 1 } }, `${notText} PodStatus.status.phase of type v1.PodPhase`],
  [{ metadata: { creationTimestamp: 1 } }, `${notText} ObjectMeta.metadata.creationTimestamp of type string`],
  [
    { spec: { volumes: [{ configMap: { items: 1 } }] } },
    `${notText} ConfigMapVolumeSource.spec.volumes.VolumeSource.configMap.items of type []v1.KeyToPath`,
  ],
  [
    { spec: { containers: [{ resources: { limits: 1 } }] } },
    `${notText} ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList`,
  ],
])('errors name Go types and structs that JSON does not show: %j', (value, message) => {
  expect(() => decodeObject(value, pod)).toThrow(new DecodeError(message));
});

test('resource lists say no more than thousandths, other quantities do', () => {
  const pod = schemas.schemaOf({ group: '', version: 'v1', kind: 'Pod' })!;
  const spec = {
    containers: [{ name: 'c', resources: { requests: { cpu: '0.0005', memory: '1Gi' } } }],
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '500u' } }],
  };
  expect(decodeObject({ spec }, pod).object).toMatchObject({
    spec: {
      containers: [{ resources: { requests: { cpu: '1m', memory: '1Gi' } } }],
      volumes: [{ emptyDir: { sizeLimit: '500u' } }],
    },
  });
});

const bodyOf = (text: string) => ({ ...parseJson(text), schema: service, kind: 'Service', version: 'v1' });
const body = bodyOf(
  `{"kind":"Service","spec":{"colour":{"x":1,"x":2},"colour":"red","type":"ClusterIP","type":"NodePort","ports":[{"tint":1,"port":80}]},
    "metadata":{"name":"a","name":"b","name":"c"}}`,
);

test('fieldValidation: Strict refuses, Warn warns, Ignore is silent; in the order of the text', () => {
  const complaints = [
    'unknown field "spec.colour"',
    'duplicate field "spec.type"',
    'unknown field "spec.ports[0].tint"',
    'duplicate field "metadata.name"',
  ];
  expect(decodeBody({ ...body, fieldValidation: 'Warn' }).warnings).toEqual(complaints);
  expect(decodeBody({ ...body, fieldValidation: 'Ignore' }).warnings).toEqual([]);
  expect(() => decodeBody({ ...body, fieldValidation: 'Strict' })).toThrow(
    `Service in version "v1" cannot be handled as a Service: strict decoding error: ${complaints.join(', ')}`,
  );
});

test('what stands in an object that stands twice does not stand twice for that', () => {
  const text = '{"spec":{"type":"a","ports":[{"port":1}]},"spec":{"type":"a","type":"b","ports":[{"port":1}]}}';
  expect(decodeBody({ ...bodyOf(text), schema: service, fieldValidation: 'Warn' }).warnings).toEqual([
    'duplicate field "spec"',
    'duplicate field "spec.type"',
  ]);
});

const spec = (...parts: string[]) => `{${parts.map((part) => `"spec":${part}`).join(',')}}`;

// Recorded from apimachinery's decoder.
test.each([
  ['structs are filled up', spec('{"type":"a","clusterIP":"b"}', '{"type":"c"}'), { type: 'c', clusterIP: 'b' }],
  ['null says nothing of a struct', spec('{"type":"a"}', 'null'), { type: 'a' }],
  ['nor of a text', spec('{"type":"a","type":null}'), { type: 'a' }],
  [
    'but of a pointer it does',
    spec('{"sessionAffinityConfig":{"clientIP":{}},"sessionAffinityConfig":null,"internalTrafficPolicy":"a"}'),
    { internalTrafficPolicy: 'a' },
  ],
  [
    'and of a list',
    spec('{"ports":[{"port":1}],"ports":null,"ports":[{"name":"a"}]}'),
    { ports: [{ port: 0, name: 'a' }] },
  ],
  [
    'items of lists are filled up, further ones forgotten',
    spec('{"ports":[{"port":1},{"port":2}]}', '{"ports":[{"name":"a"}]}'),
    { ports: [{ port: 1, name: 'a' }] },
  ],
  [
    'and found again behind the end',
    spec('{"ports":[{"port":1},{"port":2}],"ports":[{}]}', '{"ports":[{},{}]}'),
    { ports: [{ port: 1 }, { port: 2 }] },
  ],
  ['an empty list forgets all', spec('{"ports":[{"port":1}],"ports":[]}', '{"ports":[{}]}'), { ports: [{ port: 0 }] }],
  [
    'maps keep their keys',
    spec('{"selector":{"a":"1","b":"1","a":"2"}}', '{"selector":{"b":"2"}}'),
    { selector: { a: '2', b: '2' } },
  ],
])('of repeated fields, %s', (_what, text, expected) => {
  for (const fieldValidation of ['Ignore', 'Warn'] as const) {
    expect(decodeBody({ ...bodyOf(text), fieldValidation }).object.spec).toEqual(expected);
  }
});

test('a value that a repeated field had before must fit the type', () => {
  const decode = (text: string) => decodeBody({ ...bodyOf(text), schema: pod, fieldValidation: 'Ignore' }).object;
  expect(() => decode(spec('{"priority":"x","priority":1}'))).toThrow('PodSpec.spec.priority of type int32');
  expect(() => decode(spec('{"containers":[{},{"name":1}],"containers":[{}]}'))).toThrow(
    'Container.spec.containers.name',
  );
  expect(() => decode(spec('{"nodeSelector":{"a":1,"a":"x"}}'))).toThrow('PodSpec.spec.nodeSelector of type string');
  expect(decode(spec('{"overhead":{"cpu":1.5,"cpu":"2"}}', '{"priority":1}'))).toMatchObject({
    spec: { overhead: { cpu: '2' }, priority: 1 },
  });
});

test('of what a type reads itself nothing is said, and the last value stands', () => {
  const text = '{"metadata":{"managedFields":[{"fieldsV1":{"a":1,"a":2}}],"name":"a","name":"b"}}';
  const { object, warnings } = decodeBody({ ...bodyOf(text), fieldValidation: 'Warn' });
  expect(object.metadata).toEqual({ name: 'b', managedFields: [{ fieldsV1: { a: 2 } }] });
  expect(warnings).toEqual(['duplicate field "metadata.name"']);
});

test('a whole number is written as one', () => {
  const decode = (text: string, schema = service) =>
    decodeBody({ ...bodyOf(text), schema, fieldValidation: 'Ignore' }).object;
  const into = 'Go struct field ServicePort.spec.ports.port of type int32';
  expect(() => decode('{"spec":{"ports":[{"port":80},{"port":80.0}]}}')).toThrow(`number 80.0 into ${into}`);
  expect(() => decode('{"spec":{"ports":[{"port":8e1}]}}')).toThrow(`number 8e1 into ${into}`);
  expect(() => decode('{"spec":{"ports":[{"port":100000000000000000000000}]}}')).toThrow(
    `number 100000000000000000000000 into ${into}`,
  );
  expect(() => decode('{"spec":{"ports":[{"port":80,"targetPort":80.0}]}}')).toThrow(
    'json: cannot unmarshal number 80.0 into Go struct field ServicePort.spec.ports.targetPort of type int32',
  );
  const quota = decode('{"spec":{"hard":{"cpu":1.50,"pods":1e1,"memory":1e3,"services":1000}}}', resourceQuota);
  expect(quota).toMatchObject({ spec: { hard: { cpu: '1500m', pods: '10', memory: '1e3', services: '1k' } } });
});

test('a wrong type is a 400 that names the kind', () => {
  const wrong = { ...bodyOf('{"spec":{"ports":1}}'), fieldValidation: 'Ignore' } as const;
  expect(() => decodeBody(wrong)).toThrow(StatusError);
  expect(() => decodeBody(wrong)).toThrow(
    'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal number into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
  );
});

test('keys named __proto__ are keys like any other', () => {
  const { value } = parseJson('{"metadata":{"annotations":{"__proto__":"x"}},"__proto__":{}}');
  const { object, unknownFields } = decodeObject(value, service);
  expect(JSON.stringify(object)).toContain('"annotations":{"__proto__":"x"}');
  expect(unknownFields).toEqual(['__proto__']);
});
