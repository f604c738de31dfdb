// Which controllers a list picks, and the small ones at work.
import { afterEach, describe, expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../api/certificates/v1/types.generated.ts';
import type { ConfigMap, Namespace, Node, Pod, ServiceAccount } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import {
  certificateSigningRequests,
  configMaps,
  endpointSlices,
  namespaces,
  nodes,
  pods,
  serviceAccounts,
  services,
} from '../client/resources.ts';
import {
  type Harness,
  type HarnessOptions,
  makeNamespace,
  makeNode,
  makePod,
  startControllers,
} from './harness/start.ts';
import { controllers, selectControllers } from './run.ts';

test.each([
  [['*'], Object.keys(controllers)],
  [['*', '-namespace-controller'], Object.keys(controllers).filter((n) => n !== 'namespace-controller')],
  [['namespace-controller'], ['namespace-controller']],
  [[], []],
])('--controllers %s', (list, names) => {
  expect(selectControllers(list)).toEqual(names);
});

test('an unknown name is refused', () => {
  expect(() => selectControllers(['*', 'replicaset'])).toThrow('"replicaset" is no controller; there are ');
});

let harness: Harness | undefined;
afterEach(async () => {
  expect(harness?.errors ?? []).toEqual([]);
  await harness?.stop();
  harness = undefined;
});

function start(options: HarnessOptions): Harness {
  harness = startControllers(options);
  return harness;
}

const list = async <T extends KubeObject>(of: Harness, resource: GroupVersionResource) =>
  (await of.api.resource<T>(resource).list()).items;

test('each namespace has its account and the CA, and they come back', async () => {
  const h = start({ names: ['serviceaccount-controller', 'root-ca-certificate-publisher-controller'] });
  await h.api.resource<Namespace>(namespaces).create(makeNamespace('a'));
  await h.settle();
  const [account] = await list<ServiceAccount>(h, serviceAccounts);
  expect(account?.metadata).toMatchObject({ name: 'default', namespace: 'a' });
  expect((await list<ConfigMap>(h, configMaps))[0]).toMatchObject({
    metadata: { name: 'kube-root-ca.crt', namespace: 'a' },
    data: { 'ca.crt': 'CA' },
  });
  await h.api.resource(serviceAccounts).delete('default', 'a');
  await h.api.resource<ConfigMap>(configMaps).patch({
    name: 'kube-root-ca.crt',
    namespace: 'a',
    type: 'merge',
    body: { data: { 'ca.crt': 'other' } },
  });
  await h.settle();
  expect(await list(h, serviceAccounts)).toHaveLength(1);
  expect((await list<ConfigMap>(h, configMaps))[0]?.data).toEqual({ 'ca.crt': 'CA' });
});

describe('nodes', () => {
  test('each has a block of each family; a block that is free again is given again', async () => {
    const h = start({ names: ['node-ipam-controller'] });
    for (const name of ['node-1', 'node-2', 'node-3']) await h.api.resource<Node>(nodes).create(makeNode(name));
    await h.settle();
    const blocks = async () => (await list<Node>(h, nodes)).map((n) => n.spec?.podCIDRs);
    expect(await blocks()).toEqual([
      ['10.244.0.0/24', 'fd00:10:244::/64'],
      ['10.244.1.0/24', 'fd00:10:244:1::/64'],
      ['10.244.2.0/24', 'fd00:10:244:2::/64'],
    ]);
    await h.api.resource(nodes).delete('node-2');
    await h.settle();
    await h.api.resource<Node>(nodes).create(makeNode('node-4'));
    await h.settle();
    expect((await blocks()).at(-1)).toEqual(['10.244.1.0/24', 'fd00:10:244:1::/64']);
  });

  test('cluster DNS answers on the Ready ones', async () => {
    const h = start({ names: ['cluster-dns-controller'], config: { clusterDNS: ['10.96.0.10'] } });
    const addresses = [{ type: 'InternalIP', address: '172.30.0.11' }];
    await h.api.resource<Node>(nodes).create(
      makeNode('node-1', {
        ...makeNode('x'),
        metadata: { name: 'node-1' },
        status: { addresses, conditions: [{ type: 'Ready', status: 'True' }] },
      }),
    );
    await h.settle();
    expect((await list(h, services))[0]).toMatchObject({
      metadata: { name: 'kube-dns', namespace: 'kube-system' },
      spec: { clusterIP: '10.96.0.10', internalTrafficPolicy: 'Local' },
    });
    const slice = async () => (await list<EndpointSlice>(h, endpointSlices))[0];
    expect(await slice()).toMatchObject({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['172.30.0.11'], nodeName: 'node-1', conditions: { ready: true } }],
      ports: [{ name: 'dns', protocol: 'UDP', port: 53 }, { name: 'dns-tcp' }, { name: 'metrics', port: 9153 }],
    });
    const body = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
    await h.api.resource<Node>(nodes).patch({ name: 'node-1', type: 'merge', body }, { subresource: 'status' });
    await h.settle();
    expect((await slice())?.endpoints).toEqual([]);
  });
});

describe('namespaces', () => {
  async function doomed() {
    const h = start({ names: ['namespace-controller'] });
    await h.api.resource<Namespace>(namespaces).create(makeNamespace('a'));
    await h.api.resource<ConfigMap>(configMaps).create({ metadata: { name: 'x', namespace: 'a' } });
    await h.api.resource<ConfigMap>(configMaps).create({ metadata: { name: 'other', namespace: 'b' } });
    await h.settle();
    return h;
  }

  test('are emptied, then go', async () => {
    const h = await doomed();
    await h.api.resource(namespaces).delete('a');
    await h.settle();
    expect((await list(h, configMaps)).map((m) => m.metadata.name)).toEqual(['other']);
    expect(await list(h, namespaces)).toEqual([]);
  });

  test('wait for what has a finalizer, and say so', async () => {
    const h = await doomed();
    const maps = h.api.resource<ConfigMap>(configMaps);
    const held = await maps.get('x', 'a');
    await maps.update({ ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } });
    await h.api.resource(namespaces).delete('a');
    await h.settle();
    const namespace = await h.api.resource<Namespace>(namespaces).get('a');
    expect(namespace.status?.phase).toBe('Terminating');
    expect(namespace.status?.conditions?.filter((c) => c.status === 'True').map((c) => c.message)).toEqual([
      'Some resources are remaining: configmaps. has 1 resource instances',
      'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    ]);
    await maps.update({ ...(await maps.get('x', 'a')), metadata: { name: 'x', namespace: 'a' } });
    h.clock.advance(10_000);
    await h.settle();
    expect(await list(h, namespaces)).toEqual([]);
  });

  test('tell of what should be gone by now', async () => {
    const h = await doomed();
    const pod = makePod('stuck', {}, { nodeName: 'node-1', terminationGracePeriodSeconds: 30 });
    await h.api.resource<Pod>(pods).create({ ...pod, metadata: { name: 'stuck', namespace: 'a' } });
    await h.api.resource(namespaces).delete('a');
    await h.settle();
    const told = async () => {
      const { status } = await h.api.resource<Namespace>(namespaces).get('a');
      return status?.conditions?.filter((c) => c.status === 'True').map((c) => c.message);
    };
    const remaining = 'Some resources are remaining: pods. has 1 resource instances';
    expect(await told()).toEqual([remaining]);
    h.clock.advance(35_000);
    await h.settle();
    expect(await told()).toEqual([
      'Failed to delete all resource types, 1 remaining: ' +
        'unexpected items still remain in namespace: a for gvr: /v1, Resource=pods',
      remaining,
    ]);
  });
});

describe('certificates of kubelets', () => {
  const facts = { subject: { commonName: 'system:node:node-1', organizations: ['system:nodes'] }, sans: [] };

  async function request(groups: string[], change: Partial<typeof facts> = {}, username = 'system:bootstrap:abc') {
    const h = start({
      names: ['certificatesigningrequest-approving-controller', 'certificatesigningrequest-signing-controller'],
      config: {
        parseRequest: async () => ({ ...facts, ...change }),
        sign: async ({ requestPem }) => ({ ok: true, certificatePem: `signed ${requestPem}` }),
      },
    });
    await h.api.resource<CertificateSigningRequest>(certificateSigningRequests).create({
      metadata: { name: 'csr' },
      spec: {
        request: Buffer.from('PEM').toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
        username,
        groups,
      },
    });
    await h.settle();
    const { status } = (await list<CertificateSigningRequest>(h, certificateSigningRequests))[0] ?? {};
    return { approved: status?.conditions?.[0]?.type, certificate: status?.certificate };
  }

  test('a bootstrap token gets one', async () => {
    const certificate = Buffer.from('signed PEM').toString('base64');
    expect(await request(['system:bootstrappers'])).toEqual({ approved: 'Approved', certificate });
  });

  test('a node renews its own, not another one', async () => {
    expect(await request(['system:nodes'], {}, 'system:node:node-1')).toHaveProperty('approved', 'Approved');
    await harness?.stop();
    expect(await request(['system:nodes'], {}, 'system:node:node-2')).toHaveProperty('approved', undefined);
  });

  test.each([
    ['other users', ['system:authenticated'], {}],
    ['names beside the subject', ['system:bootstrappers'], { sans: ['evil.example'] }],
    [
      'another organization',
      ['system:bootstrappers'],
      { subject: { ...facts.subject, organizations: ['system:masters'] } },
    ],
    ['another name', ['system:bootstrappers'], { subject: { ...facts.subject, commonName: 'admin' } }],
  ])('%s are not approved', async (_what, groups, change) => {
    expect(await request(groups, change as Partial<typeof facts>)).toEqual({
      approved: undefined,
      certificate: undefined,
    });
  });
});
