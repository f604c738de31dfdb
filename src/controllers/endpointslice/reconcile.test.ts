import { describe, expect, test } from 'vitest';
import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { deepFreeze } from '../../client/deep-freeze.ts';
import { makeNode, makePod, makeService } from '../harness/start.ts';
import { type ReconcileInput, reconcile } from './reconcile.ts';

interface PodChange {
  ready?: boolean;
  ips?: string[];
  node?: string;
  spec?: Partial<Pod['spec']>;
  deleting?: boolean;
  phase?: string;
}

function pod(name: string, change: PodChange = {}): Pod {
  const made = makePod(name, { app: 'web' }, { nodeName: change.node ?? 'node-1', ...change.spec });
  made.metadata.uid = `uid-${name}`;
  if (change.deleting) made.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  const number = Number(name.replace(/\D/g, '')) + 1;
  const ips = change.ips ?? [`10.244.${Math.floor(number / 250)}.${number % 250}`];
  made.status = {
    phase: change.phase ?? 'Running',
    podIPs: ips.map((ip) => ({ ip })),
    conditions: [{ type: 'Ready', status: change.ready === false ? 'False' : 'True' }],
  };
  return made;
}

function service(spec: Partial<Service['spec']> = {}, labels?: Record<string, string>): Service {
  const made = makeService('web', spec);
  made.metadata.uid = 'uid-web';
  if (labels) made.metadata.labels = labels;
  return made;
}

/** Applies the changes as the server would. */
function applied(slices: readonly Readonly<EndpointSlice>[], changes: ReturnType<typeof reconcile>): EndpointSlice[] {
  const gone = new Set(changes.delete.map((s) => s.metadata.name));
  const updated = new Map(changes.update.map((s) => [s.metadata.name, s]));
  const kept = slices.filter((s) => !gone.has(s.metadata.name)).map((s) => updated.get(s.metadata.name) ?? s);
  const taken = new Set(slices.map((s) => s.metadata.name));
  const created = changes.create.map((s) => {
    let n = 1;
    while (taken.has(`s${n}`)) n += 1;
    taken.add(`s${n}`);
    return { ...s, metadata: { ...s.metadata, name: `s${n}` } };
  });
  return [...(kept as EndpointSlice[]), ...created];
}

function run(input: Partial<ReconcileInput> & Pick<ReconcileInput, 'pods'>) {
  const nodes = new Map(['node-1', 'node-2'].map((n, i) => [n, zoned(n, `zone-${i + 1}`)]));
  const full = {
    service: service(),
    slices: [],
    maxEndpointsPerSlice: 100,
    node: (n: string) => nodes.get(n),
    ...input,
  };
  const changes = reconcile({ ...full, service: deepFreeze(full.service), slices: deepFreeze(full.slices) });
  return { changes, slices: applied(full.slices, changes) };
}

function zoned(name: string, zone: string) {
  return makeNode(name, { metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } } });
}

const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => pod(`p${String(i + from).padStart(3, '0')}`));
const sizes = (slices: readonly EndpointSlice[]) => slices.map((s) => s.endpoints?.length ?? 0).sort((a, b) => b - a);
const writes = ({ create, update, delete: gone }: ReturnType<typeof reconcile>) => [
  create.length,
  update.length,
  gone.length,
];

describe('one slice', () => {
  test('a ready pod is an endpoint with all that is known of it', () => {
    const { changes } = run({
      service: service({}, { team: 'a' }),
      pods: [pod('p1')],
      triggerTime: '2026-01-01T00:00:05Z',
    });
    expect(changes.create).toEqual([
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: '',
          generateName: 'web-',
          namespace: 'default',
          labels: {
            team: 'a',
            'kubernetes.io/service-name': 'web',
            'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          },
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:05Z' },
          ownerReferences: [
            {
              apiVersion: 'v1',
              kind: 'Service',
              name: 'web',
              uid: 'uid-web',
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        addressType: 'IPv4',
        endpoints: [
          {
            addresses: ['10.244.0.2'],
            conditions: { ready: true, serving: true, terminating: false },
            nodeName: 'node-1',
            targetRef: { kind: 'Pod', namespace: 'default', name: 'p1', uid: 'uid-p1' },
            zone: 'zone-1',
          },
        ],
        ports: [{ name: '', port: 80, protocol: 'TCP' }],
      },
    ]);
  });

  test.each<[string, PodChange, Partial<Service['spec']>, object]>([
    ['not ready', { ready: false }, {}, { ready: false, serving: false, terminating: false }],
    ['terminating, still serving', { deleting: true }, {}, { ready: false, serving: true, terminating: true }],
    ['terminating', { deleting: true, ready: false }, {}, { ready: false, serving: false, terminating: true }],
    [
      'published all the same',
      { ready: false },
      { publishNotReadyAddresses: true },
      { ready: true, serving: false, terminating: false },
    ],
  ])('conditions of a pod that is %s', (_what, change, spec, conditions) => {
    const { slices } = run({ service: service(spec), pods: [pod('p1', change)] });
    expect(slices[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
  });

  test.each<[string, PodChange]>([
    ['has ended', { phase: 'Succeeded' }],
    ['has failed', { phase: 'Failed' }],
    ['has no address yet', { ips: [] }],
    ['has only addresses of the other family', { ips: ['fd00::1'] }],
  ])('a pod that %s is no endpoint; an empty slice says so', (_what, change) => {
    const { slices } = run({ pods: [pod('p1', change)] });
    expect(slices).toMatchObject([{ endpoints: [], ports: [] }]);
  });

  test('a pod on a node that is not known waits, unless all are published', () => {
    const waiting = run({ pods: [pod('p1', { node: 'new' })] });
    expect(waiting.changes.missingNodes).toEqual(['new']);
    expect(waiting.slices).toMatchObject([{ endpoints: [] }]);
    const published = run({ service: service({ publishNotReadyAddresses: true }), pods: [pod('p1', { node: 'new' })] });
    expect(published.slices[0]?.endpoints).toHaveLength(1);
  });

  test('hostname only under the subdomain of this Service', () => {
    const pods = [
      pod('p1', { spec: { hostname: 'db-0', subdomain: 'web' } }),
      pod('p2', { spec: { hostname: 'db-1', subdomain: 'other' } }),
    ];
    expect(run({ pods }).slices[0]?.endpoints?.map((e) => e.hostname)).toEqual(['db-0', undefined]);
  });
});

describe('ports and families', () => {
  test('pods that mean different numbers by a name go to different slices; one without it serves no port', () => {
    const named = (port: number) => ({ containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] });
    const pods = [
      pod('p1', { spec: named(80) }),
      pod('p2', { spec: named(8080) }),
      pod('p3', { spec: { containers: [] } }),
    ];
    const { slices } = run({ service: service({ ports: [{ name: 'web', port: 80, targetPort: 'http' }] }), pods });
    expect(slices.map((s) => [s.ports, s.endpoints?.map((e) => e.targetRef?.name)])).toEqual([
      [[{ name: 'web', port: 80, protocol: 'TCP' }], ['p1']],
      [[{ name: 'web', port: 8080, protocol: 'TCP' }], ['p2']],
      [[], ['p3']],
    ]);
  });

  test('dual stack has slices of both families, and those of a family no longer wanted go', () => {
    const pods = [pod('p1', { ips: ['10.244.0.2', 'FD00::2'] })];
    const { slices } = run({ service: service({ ipFamilies: ['IPv4', 'IPv6'] }), pods });
    expect(slices.map((s) => [s.addressType, s.endpoints?.[0]?.addresses])).toEqual([
      ['IPv4', ['10.244.0.2']],
      ['IPv6', ['fd00::2']],
    ]);
    const { slices: after } = run({ pods, slices });
    expect(after.map((s) => s.addressType)).toEqual(['IPv4']);
  });

  test('headless is labelled so; reserved labels of the Service are not believed', () => {
    const labels = { 'kubernetes.io/service-name': 'other', 'service.kubernetes.io/headless': 'x' };
    const headless = run({ service: service({ clusterIP: 'None', ports: [] }, labels), pods: [pod('p1')] });
    expect(headless.slices[0]).toMatchObject({
      ports: [],
      metadata: { labels: { 'kubernetes.io/service-name': 'web', 'service.kubernetes.io/headless': '' } },
    });
    const plain = run({ service: service({}, labels), pods: [pod('p1')] });
    expect(plain.slices[0]?.metadata.labels).not.toHaveProperty(['service.kubernetes.io/headless']);
  });
});

describe('packing', () => {
  test('250 endpoints make slices of 100, 100 and 50', () => {
    expect(sizes(run({ pods: many(250) }).slices)).toEqual([100, 100, 50]);
  });

  test('settled is settled: the same again writes nothing', () => {
    const { slices } = run({ pods: many(250) });
    expect(writes(run({ pods: many(250), slices }).changes)).toEqual([0, 0, 0]);
    const empty = run({ pods: [] }).slices;
    expect(writes(run({ pods: [], slices: empty }).changes)).toEqual([0, 0, 0]);
  });

  test('a pod that turns ready is one update of one slice', () => {
    const pods = [...many(150), pod('p900', { ready: false })];
    const { slices } = run({ pods });
    const { changes } = run({ pods: [...many(150), pod('p900')], slices });
    expect(writes(changes)).toEqual([0, 1, 0]);
  });

  test('few new ones go to the slice that they fill best, many to a new one', () => {
    const slices = [run({ pods: many(90) }).slices, run({ pods: many(40, 100) }).slices].flat();
    const named = slices.map((s, i) => ({ ...s, metadata: { ...s.metadata, name: `a${i}` } }));
    const old = [...many(90), ...many(40, 100)];
    const few = run({ pods: [...old, ...many(10, 200)], slices: named });
    expect([writes(few.changes), sizes(few.slices)]).toEqual([
      [0, 1, 0],
      [100, 40],
    ]);
    const more = run({ pods: [...old, ...many(30, 200)], slices: named });
    expect([writes(more.changes), sizes(more.slices)]).toEqual([
      [0, 1, 0],
      [90, 70],
    ]);
    const most = run({ pods: [...old, ...many(80, 200)], slices: named });
    expect([writes(most.changes), sizes(most.slices)]).toEqual([
      [1, 0, 0],
      [90, 80, 40],
    ]);
  });

  test('a slice that is changed anyway takes new ones first, up to its limit', () => {
    const { slices } = run({ pods: many(95) });
    const { changes, slices: after } = run({ pods: [...many(94), ...many(10, 200)], slices });
    expect([writes(changes), sizes(after)]).toEqual([
      [1, 1, 0],
      [100, 4],
    ]);
  });

  test('slices are not joined when they empty out, and an emptied one goes', () => {
    const { slices } = run({ pods: many(150) });
    const { changes, slices: after } = run({ pods: many(110), slices });
    expect([writes(changes), sizes(after)]).toEqual([
      [0, 1, 0],
      [100, 10],
    ]);
    const { changes: last } = run({ pods: many(100), slices });
    expect(writes(last)).toEqual([0, 0, 1]);
  });

  test('the last endpoint that goes leaves the slice as a placeholder, in one write', () => {
    const { slices } = run({ pods: [pod('p1')] });
    const { changes, slices: after } = run({ pods: [], slices });
    expect(writes(changes)).toEqual([0, 1, 0]);
    expect(after).toMatchObject([{ endpoints: [], ports: [], metadata: { name: slices[0]?.metadata.name } }]);
    const { changes: back } = run({ pods: [pod('p1')], slices: after });
    expect(writes(back)).toEqual([0, 1, 0]);
  });

  test('a pod made anew under its name and address keeps its place, with its new UID, node and zone', () => {
    const { slices } = run({ pods: [pod('p1'), pod('p2')] });
    const moved = pod('p1', { node: 'node-2' });
    moved.metadata.uid = 'uid-anew';
    const { changes, slices: after } = run({ pods: [moved, pod('p2')], slices });
    expect(writes(changes)).toEqual([0, 1, 0]);
    expect(after[0]?.endpoints?.map((e) => [e.targetRef?.uid, e.nodeName, e.zone])).toEqual([
      ['uid-anew', 'node-2', 'zone-2'],
      ['uid-p2', 'node-1', 'zone-1'],
    ]);
  });

  test('the resourceVersion of a pod is no change, as little as the order of its addresses', () => {
    const { slices } = run({ pods: [pod('p1', { ips: ['10.244.0.3', '10.244.0.2'] })] });
    expect(slices[0]?.endpoints?.[0]?.addresses).toEqual(['10.244.0.2', '10.244.0.3']);
    for (const endpoint of slices[0]?.endpoints ?? [])
      endpoint.targetRef = { ...endpoint.targetRef, resourceVersion: '7' };
    const { changes } = run({ pods: [pod('p1', { ips: ['10.244.0.2', '10.244.0.3'] })], slices });
    expect(writes(changes)).toEqual([0, 0, 0]);
  });

  test('slices that belong to another Service of that name are replaced', () => {
    const { slices } = run({ pods: [pod('p1')] });
    const reborn = service();
    reborn.metadata.uid = 'uid-reborn';
    const { changes } = run({ service: reborn, pods: [pod('p1')], slices });
    expect(writes(changes)).toEqual([1, 0, 1]);
  });

  test('a Service that is being deleted gets no new slices', () => {
    const doomed = service();
    doomed.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    expect(writes(run({ service: doomed, pods: [pod('p1')] }).changes)).toEqual([0, 0, 0]);
  });

  test('changed labels of the Service are an update; slices being deleted are left alone', () => {
    const { slices } = run({ pods: [pod('p1')] });
    expect(writes(run({ service: service({}, { a: 'b' }), pods: [pod('p1')], slices }).changes)).toEqual([0, 1, 0]);
    const going = slices.map((s) => ({ ...s, metadata: { ...s.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }));
    expect(writes(run({ pods: [pod('p1')], slices: going }).changes)).toEqual([1, 0, 0]);
  });
});

describe('figures for those who count', () => {
  const [few, all] = [many(90), many(250)];
  const named = (prefix: string, pods: readonly Pod[]) =>
    run({ pods: [...pods] }).slices.map((s) => ({
      ...s,
      metadata: { ...s.metadata, name: `${prefix}${s.metadata.name}` },
    }));
  const otherPort = service({ ports: [{ port: 80, targetPort: 81 }] });
  const astray = [pod('p1', { node: 'gone' }), pod('p2', { node: 'gone' })];
  const published = service({ publishNotReadyAddresses: true });

  test.each<[string, Partial<ReconcileInput> & Pick<ReconcileInput, 'pods'>, number[]]>([
    ['a placeholder', { pods: [] }, [0, 0, 1, 0, 1]],
    ['a placeholder that is there', { pods: [], slices: run({ pods: [] }).slices }, [0, 0, 0, 0, 1]],
    ['new slices', { pods: all }, [250, 0, 3, 250, 3]],
    ['some new endpoints', { pods: all, slices: named('a', few) }, [160, 0, 2, 250, 3]],
    ['some that are gone', { pods: few, slices: named('a', all) }, [0, 160, 3, 90, 1]],
    ['other ports', { service: otherPort, pods: all, slices: named('a', all) }, [250, 0, 3, 250, 3]],
    [
      'nodes that are gone',
      { pods: astray, slices: run({ service: published, pods: astray }).slices },
      [0, 2, 1, 0, 1],
    ],
  ])('%s', (_what, input, [added, removed, changed, endpoints, slices]) => {
    const { figures } = run(input).changes;
    const sum = (of: 'endpoints' | 'slices') => figures[0]?.groups.reduce((total, group) => total + group[of], 0);
    expect(figures).toMatchObject([{ added, removed, changed }]);
    expect([sum('endpoints'), sum('slices')]).toEqual([endpoints, slices]);
  });
});

describe('hints', () => {
  const pods = [pod('p1'), pod('p2', { node: 'node-2' }), pod('p3', { ready: false })];
  const hints = (slices: readonly EndpointSlice[]) => slices[0]?.endpoints?.map((e) => e.hints);

  test.each([
    ['PreferClose', [{ forZones: [{ name: 'zone-1' }] }, { forZones: [{ name: 'zone-2' }] }, undefined]],
    [
      'PreferSameNode',
      [
        { forZones: [{ name: 'zone-1' }], forNodes: [{ name: 'node-1' }] },
        { forZones: [{ name: 'zone-2' }], forNodes: [{ name: 'node-2' }] },
        undefined,
      ],
    ],
  ])('%s', (trafficDistribution, wanted) => {
    const { slices } = run({ service: service({ trafficDistribution }), pods });
    expect(hints(slices)).toEqual(wanted);
    expect(writes(run({ service: service({ trafficDistribution }), pods, slices }).changes)).toEqual([0, 0, 0]);
    const { changes, slices: without } = run({ pods, slices });
    expect([writes(changes), hints(without)]).toEqual([
      [0, 1, 0],
      [undefined, undefined, undefined],
    ]);
  });

  test('an endpoint that is no longer ready loses its hints with the change', () => {
    const zonal = service({ trafficDistribution: 'PreferSameZone' });
    const { slices } = run({ service: zonal, pods });
    const failed = [pod('p1', { ready: false }), ...pods.slice(1)];
    const { slices: after } = run({ service: zonal, pods: failed, slices });
    expect(hints(after)).toEqual([undefined, { forZones: [{ name: 'zone-2' }] }, undefined]);
  });
});
