// A change that was planned and is then made has the planned effect: random clusters and changes, against the controllers
// themselves over an API in memory.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type LoadBalancerPool, loadBalancerPools } from '../../api/portico/v1/load-balancer-pool.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { endpointSlices, nodes, pods, services } from '../../client/resources.ts';
import { type Harness, startControllers } from '../../controllers/harness/start.ts';
import { rulesText } from '../../proxy/offline.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { idOf } from '../object-id.ts';
import { bothFamilies } from '../shares.ts';
import { foreseen } from './plan-change.ts';
import { zoneRecords } from './records.ts';

const settings: ProxySettings = {
  mode: 'nftables',
  clusterCIDRs: ['10.244.0.0/16'],
  serviceCIDRs: ['10.96.0.0/16'],
  nodePortAddresses: [],
};

const resources = { Node: nodes, Pod: pods, Service: services, LoadBalancerPool: loadBalancerPools } as const;
type Kind = keyof typeof resources;

const nodeNames = ['a', 'b', 'c'];
const apps = ['x', 'x', 'y'];

/** Everything that is drawn of an object may be drawn anew: that is a change of it. */
const arbitraryNode = (index: number): fc.Arbitrary<KubeObject> =>
  fc
    .record({ zone: fc.constantFrom(undefined, 'z1', 'z1', 'z1', 'z2', 'z2', 'z2'), cpu: fc.constantFrom('1', '4') })
    .map(({ zone, cpu }): Node & KubeObject => ({
      ...{ kind: 'Node', apiVersion: 'v1' },
      metadata: { name: nodeNames[index]!, ...(zone && { labels: { 'topology.kubernetes.io/zone': zone } }) },
      spec: {},
      status: {
        addresses: [{ type: 'InternalIP', address: `172.30.0.${index + 1}` }],
        allocatable: { cpu },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    }));

const arbitraryPod = (index: number): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      app: fc.constantFrom(...apps),
      nodeName: fc.constantFrom(undefined, ...nodeNames, ...nodeNames),
      phase: fc.constantFrom('Running', 'Running', 'Running', 'Pending', 'Succeeded'),
      isReady: fc.constantFrom(true, true, true, false),
      families: fc.constantFrom(1, 2),
      subdomain: fc.constantFrom(undefined, 's0', 's1'),
      port: fc.constantFrom(8080, 9090),
    })
    .map(({ app, nodeName, phase, isReady, families, subdomain, port }): Pod & KubeObject => {
      const ips = [`10.244.0.${index + 5}`, `fd00:10:244::${index + 5}`].slice(0, families);
      return {
        ...{ kind: 'Pod', apiVersion: 'v1' },
        metadata: { name: `p${index}`, namespace: 'default', labels: { app } },
        spec: {
          ...(nodeName && { nodeName }),
          ...(subdomain && { hostname: `p${index}`, subdomain }),
          containers: [{ name: 'c', image: 'x', ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }] }],
        },
        status: {
          phase,
          ...(nodeName && { podIP: ips[0]!, podIPs: ips.map((ip) => ({ ip })) }),
          conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
        },
      };
    });

const topologyMode = { 'service.kubernetes.io/topology-mode': 'Auto' };

const arbitraryService = (index: number): fc.Arbitrary<KubeObject> =>
  fc
    .record({
      app: fc.constantFrom(undefined, ...apps, ...apps),
      type: fc.constantFrom('ClusterIP', 'ClusterIP', 'LoadBalancer'),
      isHeadless: fc.boolean(),
      families: fc.constantFrom(1, 1, 2),
      targetPort: fc.constantFrom(8080, 'http', 'none'),
      publish: fc.boolean(),
      distribution: fc.constantFrom(undefined, 'PreferSameZone', 'PreferSameNode'),
      internal: fc.constantFrom('Cluster', 'Local'),
      isAuto: fc.boolean(),
    })
    .map(({ app, type, isHeadless, families, targetPort, publish, distribution, internal, isAuto }) => {
      const own = [`10.96.0.${index + 9}`, `fd00:96::${index + 9}`].slice(0, families);
      const clusterIPs = isHeadless && type === 'ClusterIP' ? ['None'] : own;
      const object: Service & KubeObject = {
        ...{ kind: 'Service', apiVersion: 'v1' },
        metadata: { name: `s${index}`, namespace: 'default', ...(isAuto && { annotations: topologyMode }) },
        spec: {
          ...{ type, clusterIP: clusterIPs[0]!, clusterIPs, internalTrafficPolicy: internal },
          ipFamilies: ['IPv4', 'IPv6'].slice(0, families),
          ...(app && { selector: { app } }),
          ...(distribution && { trafficDistribution: distribution }),
          publishNotReadyAddresses: publish,
          ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort }],
        },
      };
      return object;
    });

const pool: LoadBalancerPool & KubeObject = {
  ...{ kind: 'LoadBalancerPool', apiVersion: 'portico.dev/v1' },
  metadata: { name: 'a' },
  spec: { addresses: ['192.0.2.1-192.0.2.2'] },
};

/** Each there or not, so that objects come and go. */
const maybe = (arbitrary: fc.Arbitrary<KubeObject>) => fc.option(arbitrary, { freq: 5, nil: undefined });
const arbitraryObjects = fc
  .tuple(
    ...nodeNames.map((_, i) => arbitraryNode(i)),
    ...[0, 1, 2, 3, 4].map((i) => maybe(arbitraryPod(i))),
    ...[0, 1, 2].map((i) => maybe(arbitraryService(i))),
  )
  .map((drawn) => [pool, ...drawn.filter((one) => one !== undefined)] as KubeObject[]);

const client = (harness: Harness, { kind }: KubeObject) => harness.api.resource<KubeObject>(resources[kind as Kind]);

/**
 * Makes the objects of the API those wanted. Services are first, for one that loses its selector keeps the slices that it has
 * then; addresses that one lets go are there for the others.
 */
async function make(harness: Harness, before: readonly KubeObject[], after: readonly KubeObject[]): Promise<void> {
  const present = new Set(before.map(idOf));
  const wanted = new Set(after.map(idOf));
  const isService = ({ kind }: KubeObject) => kind === 'Service';
  const gone = before.filter((one) => one.kind !== 'EndpointSlice' && !wanted.has(idOf(one)));
  const there = after.filter(
    (one) => one.kind !== 'EndpointSlice' && !(one.kind === pool.kind && present.has(idOf(one))),
  );
  for (const object of gone.filter(isService)) await remove(harness, object);
  const isBalanced = (one: KubeObject) => (one as Service).spec.type === 'LoadBalancer';
  const first = there.filter(isService).toSorted((a, b) => Number(isBalanced(a)) - Number(isBalanced(b)));
  for (const object of new Set([...first, ...there])) {
    await (present.has(idOf(object)) ? change(harness, object) : client(harness, object).create(jsonCopy(object)));
    if (isService(object)) await harness.retry();
  }
  for (const object of gone.filter((one) => !isService(one))) await remove(harness, object);
}

async function remove(harness: Harness, object: KubeObject): Promise<void> {
  await client(harness, object).delete(object.metadata.name, object.metadata.namespace, { gracePeriodSeconds: 0 });
  await harness.settle();
}

/** As whoever does not ask what there is. */
async function change(harness: Harness, object: KubeObject): Promise<void> {
  const { resourceVersion: _, ...metadata } = object.metadata;
  await client(harness, object).update({ ...jsonCopy(object), metadata });
  if (object.kind !== 'Service')
    await client(harness, object).update({ ...jsonCopy(object), metadata }, { subresource: 'status' });
}

async function live(harness: Harness): Promise<KubeObject[]> {
  const lists = await Promise.all(
    Object.entries({ ...resources, EndpointSlice: endpointSlices }).map(async ([kind, resource]) =>
      (await harness.api.resource<KubeObject>(resource).list()).items.map((one) => ({ ...one, kind })),
    ),
  );
  const all = lists.flat();
  // The garbage collector takes slices without their Service; it is not here.
  const known = new Set(all.map(idOf));
  return all.filter(
    ({ kind, metadata }) =>
      kind !== 'EndpointSlice' ||
      known.has(`Service ${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`),
  );
}

/** What counts of slices: who is in them, of which Service, but not their names, nor how they are told apart. */
function slicesOf(objects: readonly KubeObject[]): unknown[] {
  return objects
    .filter(({ kind }) => kind === 'EndpointSlice')
    .map((object) => {
      const { addressType, ports, endpoints, metadata } = object as EndpointSlice;
      const sorted = (endpoints ?? []).toSorted((a, b) => (a.addresses[0]! < b.addresses[0]! ? -1 : 1));
      const said = sorted.map((endpoint) => ({ ...endpoint, targetRef: endpoint.targetRef?.name }));
      return JSON.stringify({
        labels: Object.entries(metadata.labels ?? {}).sort(),
        addressType,
        ports,
        endpoints: said,
      });
    })
    .sort();
}

const balancersOf = (objects: readonly KubeObject[]) =>
  objects.flatMap((one) =>
    one.kind === 'Service' ? [idOf(one), (one as Service).status?.loadBalancer?.ingress ?? []] : [],
  );

/** What the plan compares, of one world. */
async function effectOf(objects: readonly KubeObject[]): Promise<unknown> {
  const rules = nodeNames.map((nodeName) => rulesText({ objects, nodeName, settings, families: bothFamilies }));
  const records = zoneRecords(objects, 'cluster.local');
  return { balancers: balancersOf(objects), slices: slicesOf(objects), records, rules: await Promise.all(rules) };
}

/** The objects once the change is made, of which nothing but what was drawn differs from what is there. */
function changedFrom(before: readonly KubeObject[], drawn: readonly KubeObject[]): KubeObject[] {
  const known = new Map(before.map((one) => [idOf(one), one]));
  const changed = drawn.map((one) => {
    const was = known.get(idOf(one));
    const { metadata, status } = (was ?? one) as Service;
    const kept = { ...metadata, labels: one.metadata.labels, annotations: one.metadata.annotations };
    return { ...one, metadata: was ? kept : one.metadata, ...(one.kind === 'Service' && { status }) } as KubeObject;
  });
  return [...changed, ...before.filter(({ kind }) => kind === 'EndpointSlice')];
}

async function expectPlanned(harness: Harness, planned: readonly KubeObject[]): Promise<void> {
  const made = await live(harness);
  const order = new Map(made.map((one, i) => [idOf(one), i]));
  const sorted = planned.toSorted((a, b) => (order.get(idOf(a)) ?? 0) - (order.get(idOf(b)) ?? 0));
  expect(await effectOf(sorted)).toEqual(await effectOf(made));
  expect(harness.errors.filter((error) => !/: no free /.test(String(error)))).toEqual([]);
}

const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 20) };

/** Hints by topology-mode depend on those that were there, so also on what a controller saw in between. */
const withoutTopologyMode = arbitraryObjects.map((objects) =>
  objects.map(({ metadata: { annotations: _, ...metadata }, ...object }): KubeObject => ({ ...object, metadata })),
);

test('what is planned comes about', async () => {
  await fc.assert(
    fc.asyncProperty(withoutTopologyMode, withoutTopologyMode, async (first, drawn) => {
      const harness = startControllers({ names: ['endpointslice-controller', 'service-lb-controller'] });
      try {
        await make(harness, [], first);
        await harness.retry();
        const before = await live(harness);
        const after = changedFrom(before, drawn);
        const planned = foreseen({ before, after, now: harness.clock.now() });
        await make(harness, before, after);
        await harness.retry();
        await expectPlanned(harness, planned.objects);
      } finally {
        await harness.stop();
      }
    }),
    runs,
  );
});

/** Who got which address first is forgotten by controllers that begin anew. */
const withoutPool = arbitraryObjects.map((objects) => objects.filter(({ kind }) => kind !== pool.kind));

test('what is planned comes about where controllers see the change as a whole, hints by topology-mode with it', async () => {
  await fc.assert(
    fc.asyncProperty(withoutPool, withoutPool, async (first, drawn) => {
      const names = ['endpointslice-controller'];
      const earlier = startControllers({ names });
      const { api, clock } = earlier;
      await make(earlier, [], first);
      await earlier.retry();
      const before = await live(earlier);
      await earlier.stop();
      const after = changedFrom(before, drawn);
      const planned = foreseen({ before, after, now: clock.now() });
      await make(earlier, before, after);
      const harness = startControllers({ names, api, clock });
      try {
        await harness.retry();
        await expectPlanned(harness, planned.objects);
      } finally {
        await harness.stop();
      }
    }),
    runs,
  );
});
