import { describe, expect, test } from 'vitest';
import { builtinResources } from '../../api/registry.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { StatusError } from '../../apimachinery/status.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';
import { nodeRestriction } from './node-restriction.ts';

type Json = Readonly<Record<string, unknown>>;

const definitions = builtinResources();
const node = { metadata: { name: 'n1', uid: 'u1' } };
const token = (audience?: string) => ({ serviceAccountToken: { path: 't', ...(audience && { audience }) } });
const pod = (name: string, nodeName: string) => ({
  metadata: { name, uid: `uid-${name}`, namespace: 'ns', labels: { a: 'b' } },
  spec: { nodeName, volumes: [{ name: 'v', projected: { sources: [token(), token('vault')] } }] },
});
const objects: Readonly<Record<string, KubeObject>> = {
  'nodes//n1': node,
  'pods/ns/ours': pod('ours', 'n1'),
  'pods/ns/theirs': pod('theirs', 'n2'),
};
const view = {
  random: new FakeRandom(),
  clock: new FakeClock(),
  find: (resource, { namespace = '', name }) => objects[`${resource}/${namespace}/${name}`] as never,
  all: () => [],
} as Partial<AdmissionView> as AdmissionView;
const announcedBy = 'portico.dev/announced-by';
const agent = { name: 'system:node:n1', groups: ['system:nodes'] };

interface Write {
  readonly operation?: AdmissionRequest['operation'];
  readonly name?: string;
  readonly namespace?: string;
  readonly object?: Json;
  readonly old?: Json;
  readonly user?: AdmissionRequest['user'];
}

/** The refusal's text, or undefined. `what` is `pods`, `pods/status`, `leases`. */
function refusal(what: string, write: Write): string | undefined {
  const [resource = '', subresource = ''] = what.split('/');
  const definition = definitions.find((one) => one.resource === resource)!;
  const { operation = 'CREATE', name = '', namespace = 'ns', user = agent } = write;
  const request: AdmissionRequest = {
    operation,
    definition,
    subresource,
    kind: definition,
    namespace,
    name,
    object: write.object as KubeObject | undefined,
    old: write.old as KubeObject | undefined,
    user,
    dryRun: false,
    options: {},
    warnings: new Set(),
    auditAnnotations: new Map(),
  };
  try {
    void nodeRestriction.admit?.(request, view);
    return undefined;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return error.message;
  }
}

describe('nodes', () => {
  const named = (name: string, labels: Json = {}, spec: Json = {}) => ({ metadata: { name, labels }, spec });
  const update = (object: Json, old: Json) => refusal('nodes', { operation: 'UPDATE', name: 'n1', object, old });

  test('only its own', () => {
    expect(refusal('nodes', { object: named('n1') })).toBeUndefined();
    expect(refusal('nodes', { object: named('n2') })).toBe(
      'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    );
    expect(refusal('nodes', { object: named('n2'), user: { name: 'jane', groups: [] } })).toBeUndefined();
  });

  test('no labels that steer pods', () => {
    const fine = { 'kubernetes.io/os': 'linux', 'kubelet.kubernetes.io/x': '1', 'x.node.kubernetes.io/y': '', own: '' };
    expect(refusal('nodes', { object: named('n1', fine) })).toBeUndefined();
    const wrong = { 'node-role.kubernetes.io/master': '', 'a.node-restriction.kubernetes.io/b': '' };
    expect(refusal('nodes', { object: named('n1', wrong) })).toContain(
      'node "n1" is not allowed to set the following labels: a.node-restriction.kubernetes.io/b, node-role.kubernetes.io/master',
    );
    expect(update(named('n1', wrong), named('n1', wrong))).toBeUndefined();
    expect(update(named('n1'), named('n1', wrong))).toContain('is not allowed to modify labels: ');
  });

  test('no taints', () => {
    const tainted = named('n1', {}, { taints: [{ key: 'a', effect: 'NoSchedule' }] });
    expect(update(tainted, tainted)).toBeUndefined();
    expect(update(named('n1'), tainted)).toContain('node "n1" is not allowed to modify taints');
  });
});

describe('pods', () => {
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1', controller: true };
  const mirror = (metadata: Json = {}, spec: Json = {}) => ({
    metadata: {
      name: 'm',
      annotations: { 'kubernetes.io/config.mirror': 'h' },
      ownerReferences: [owner],
      ...metadata,
    },
    spec: { nodeName: 'n1', containers: [], ...spec },
  });

  test('only mirror pods of its own are made', () => {
    expect(refusal('pods', { object: mirror() })).toBeUndefined();
  });

  test.each([
    [{ annotations: {} }, {}, 'pod does not have "kubernetes.io/config.mirror" annotation'],
    [{}, { nodeName: 'n2' }, 'can only create pods with spec.nodeName set to itself'],
    [{ ownerReferences: [] }, {}, 'can only create pods with an owner reference set to itself'],
    [{ ownerReferences: [owner, owner] }, {}, 'with a single owner reference set to itself'],
    [{ ownerReferences: [{ ...owner, controller: false }] }, {}, 'a controller owner reference'],
    [{ ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }, {}, 'must not set blockOwnerDeletion'],
    [{ ownerReferences: [{ ...owner, uid: 'x' }] }, {}, 'node n1 UID mismatch: expected x got u1'],
    [{}, { serviceAccountName: 'a' }, 'that reference a service account'],
    [{}, { volumes: [{ name: 'v', secret: { secretName: 's' } }] }, 'that reference secrets'],
    [{}, { containers: [{ envFrom: [{ configMapRef: { name: 'c' } }] }] }, 'that reference configmaps'],
    [
      {},
      { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] },
      'that reference persistentvolumeclaims',
    ],
  ])('%j %j', (metadata, spec, expected) => {
    expect(refusal('pods', { object: mirror(metadata, spec) })).toContain(expected);
  });

  test('deletes, evicts and reports only those that run on it', () => {
    const ours = pod('ours', 'n1');
    const theirs = pod('theirs', 'n2');
    expect(refusal('pods', { operation: 'DELETE', name: 'ours', old: ours })).toBeUndefined();
    expect(refusal('pods', { operation: 'DELETE', name: 'theirs', old: theirs })).toContain('can only delete pods');
    expect(refusal('pods', { operation: 'UPDATE', name: 'ours', object: ours, old: ours })).toContain(
      'unexpected operation',
    );
    expect(refusal('pods/eviction', { name: 'ours', object: { metadata: {} } })).toBeUndefined();
    expect(refusal('pods/eviction', { name: 'theirs', object: { metadata: {} } })).toContain('can only evict pods');
    expect(refusal('pods/eviction', { name: 'gone', object: { metadata: {} } })).toBe('pod "gone" not found');
    const status = (object: Json, old: Json) =>
      refusal('pods/status', { operation: 'UPDATE', name: 'ours', object, old });
    expect(status(ours, ours)).toBeUndefined();
    expect(status(theirs, theirs)).toContain('can only update pod status for pods with spec.nodeName set to itself');
    const relabelled = { ...ours, metadata: { ...ours.metadata, labels: {} } };
    expect(status(relabelled, ours)).toContain('cannot update labels through pod status');
    expect(refusal('pods/ephemeralcontainers', { operation: 'UPDATE', object: ours, old: ours })).toContain(
      `unexpected pod subresource "ephemeralcontainers", only 'status' and 'eviction' are allowed`,
    );
  });
});

test('its own Lease and CSINode', () => {
  const lease = (namespace: string, name: string) => refusal('leases', { namespace, object: { metadata: { name } } });
  expect(lease('kube-node-lease', 'n1')).toBeUndefined();
  expect(lease('kube-node-lease', 'n2')).toContain('can only access node lease with the same name');
  expect(lease('default', 'n1')).toContain('can only access leases in the "kube-node-lease" system namespace');
  expect(refusal('csinodes', { namespace: '', object: { metadata: { name: 'n1' } } })).toBeUndefined();
  expect(refusal('csinodes', { namespace: '', object: { metadata: { name: 'n2' } } })).toContain(
    'can only access CSINode',
  );
});

test('tokens only for its pods and for what they mount', () => {
  const ask = (boundObjectRef: Json | undefined, audiences: string[] = []) =>
    refusal('serviceaccounts/token', { name: 'sa', object: { metadata: {}, spec: { audiences, boundObjectRef } } });
  const bound = (name: string, uid = `uid-${name}`) => ({ apiVersion: 'v1', kind: 'Pod', name, uid });
  expect(ask(bound('ours'))).toBeUndefined();
  expect(ask(bound('ours'), ['vault'])).toBeUndefined();
  expect(ask(undefined)).toContain('node requested token not bound to a pod');
  expect(ask(bound('ours', ''))).toContain('with a pod binding without a uid');
  expect(ask(bound('ours', 'other'))).toContain('(other) does not match the UID in record');
  expect(ask(bound('theirs'))).toContain('bound to a pod scheduled on a different node');
  expect(ask(bound('ours'), ['bank'])).toContain('audience "bank" not found in pod spec volume');
  expect(ask(bound('ours'), ['vault', 'bank'])).toContain('node may only request 0 or 1 audiences');
});

test('of a claim only its capacity and conditions', () => {
  const claim = (status: Json, labels: Json = {}) => ({ metadata: { name: 'c', labels }, spec: {}, status });
  const update = (object: Json, old: Json) =>
    refusal('persistentvolumeclaims/status', { operation: 'UPDATE', name: 'c', object, old });
  expect(update(claim({ capacity: { storage: '2Gi' } }), claim({}))).toBeUndefined();
  expect(update(claim({ phase: 'Lost' }), claim({ phase: 'Bound' }))).toContain('not allowed to update fields other');
  expect(update(claim({}, { a: 'b' }), claim({}))).toContain('not allowed to update fields other');
});

test('of a Service only that it announces it itself', () => {
  const old = { metadata: { name: 'web', annotations: { a: 'b' } }, spec: {}, status: { loadBalancer: {} } };
  const announced = (node: string) => ({
    ...old,
    metadata: { name: 'web', annotations: { a: 'b', [announcedBy]: node } },
  });
  const update = (object: Json) => refusal('services/status', { operation: 'UPDATE', name: 'web', object, old });
  expect(update(announced('n1'))).toBeUndefined();
  const why = `node "n1" may only say by ${announcedBy} that it announces the Service itself`;
  expect(update(announced('n2'))).toContain(why);
  expect(update({ ...announced('n1'), status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } })).toContain(why);
  expect(update({ ...announced('n1'), metadata: { name: 'web', annotations: { [announcedBy]: 'n1' } } })).toContain(
    why,
  );
  expect(refusal('services', { operation: 'UPDATE', name: 'web', object: old, old })).toContain(
    'may only update Service status',
  );
});
