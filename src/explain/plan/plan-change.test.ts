import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { withObjects, withoutObjects } from './change.ts';
import { isEmptyPlan } from './plan.ts';
import { planChange } from './plan-change.ts';
import { withSlices } from './slices.ts';
import { planText } from './text.ts';

const read = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject);

const pod = (name: string, ip: string, node: string) => `
---
kind: Pod
metadata: {name: ${name}, namespace: demo, uid: ${name}-uid, labels: {app: ${name.split('-')[0]}}}
spec: {nodeName: ${node}, containers: []}
status: {phase: Running, podIP: ${ip}, podIPs: [{ip: ${ip}}], conditions: [{type: Ready, status: "True"}]}
`;

const node = (name: string, ip: string) => `
---
kind: Node
metadata: {name: ${name}}
status: {addresses: [{type: InternalIP, address: ${ip}}]}
`;

const service = (selector: string) => `
---
kind: Service
apiVersion: v1
metadata: {name: front, namespace: demo, uid: front-uid}
spec: {type: ClusterIP, clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9], ipFamilies: [IPv4], selector: {app: ${selector}}, ports: [{name: http, port: 80, protocol: TCP, targetPort: 8080}]}
`;

/** A cluster that has settled: its slices are what the controller would write. */
const cluster = withSlices(
  read(
    node('a', '172.30.0.11') +
      node('b', '172.30.0.12') +
      pod('web-1', '10.244.0.5', 'a') +
      pod('web-2', '10.244.1.5', 'b') +
      pod('new-1', '10.244.1.6', 'b') +
      service('web'),
  ),
);

const plan = (after: readonly KubeObject[], before: readonly KubeObject[] = cluster) =>
  planChange({
    before,
    after,
    settings: {
      mode: 'nftables',
      clusterCIDRs: ['10.244.0.0/16'],
      serviceCIDRs: ['10.96.0.0/16'],
      nodePortAddresses: [],
    },
    clusterDomain: 'cluster.local',
    now: 0,
  });

test('a cluster as it is has no plan', async () => {
  const nothing = await plan(cluster);
  expect(isEmptyPlan(nothing)).toBe(true);
  expect(planText(nothing, { withRules: true })).toBe('Nothing would change.');
});

test('slices that the change does not concern stay as they are, though a controller that looked at them would write others', async () => {
  const other = read(service('new').replaceAll('front', 'other').replaceAll('10.96.0.9', '10.96.0.8'));
  // Labelled after the slices were written: no controller looks at them for that.
  const labelled = read(
    node('a', '172.30.0.11').replace('{name: a}', '{name: a, labels: {topology.kubernetes.io/zone: x}}') +
      node('b', '172.30.0.12').replace('{name: b}', '{name: b, labels: {topology.kubernetes.io/zone: y}}'),
  );
  const before = withObjects(withSlices([...cluster, ...other]), labelled);
  const change = async (gone: string) =>
    (await plan(withoutObjects(before, [{ kind: 'Pod', namespace: 'demo', name: gone }]), before)).slices.map(
      ({ object }) => object,
    );
  expect(await change('web-1')).toEqual(['EndpointSlice demo/front-new']);
  expect(await change('new-1')).toEqual(['EndpointSlice demo/other-new']);
});

test('another selector: the field, the slice, who gets the traffic, and the rules of every node', async () => {
  const [edited] = read(service('new'));
  const found = await plan(withObjects(cluster, [edited!]));
  expect(found.objects).toEqual([
    {
      change: 'changed',
      object: 'Service demo/front',
      fields: [{ path: 'spec.selector.app', before: 'web', after: 'new' }],
    },
  ]);
  expect(found.slices).toMatchObject([{ change: 'changed', fields: [{ path: 'endpoints' }] }]);
  expect(found.shares).toEqual([
    { servicePort: 'demo/front:http', endpoint: '10.244.0.5:8080', before: 0.5, after: 0 },
    { servicePort: 'demo/front:http', endpoint: '10.244.1.5:8080', before: 0.5, after: 0 },
    { servicePort: 'demo/front:http', endpoint: '10.244.1.6:8080', before: 0, after: 1 },
  ]);
  expect(found.rules.map(({ node: name }) => name)).toEqual(['a', 'b']);
  // A cluster IP's names do not depend on who answers.
  expect(found.records).toEqual({ removed: [], added: [] });
});

test('a new Service brings its records and rules', async () => {
  const added = read(service('new').replaceAll('front', 'back').replaceAll('10.96.0.9', '10.96.0.10'));
  const found = await plan(withObjects(cluster, added));
  expect(found.objects).toEqual([{ change: 'created', object: 'Service demo/back', fields: [] }]);
  expect(found.slices).toMatchObject([{ change: 'created' }]);
  expect(found.records.added).toEqual([
    '_http._tcp.back.demo.svc.cluster.local. SRV 0 100 80 back.demo.svc.cluster.local.',
    'back.demo.svc.cluster.local. A 10.96.0.10',
  ]);
});

test('topology-mode Auto: the hints that the controller gives, by the CPU of zones, and who is sent what then', async () => {
  const zoned = (name: string, zone: string, cpu: number) => `
---
kind: Node
metadata: {name: ${name}, labels: {topology.kubernetes.io/zone: ${zone}}}
status: {addresses: [{type: InternalIP, address: 172.30.0.1${cpu}}], allocatable: {cpu: "${cpu}"}, conditions: [{type: Ready, status: "True"}]}
`;
  // Zone y has two thirds of the CPU and a third of the endpoints.
  const nodes = zoned('a', 'x', 2) + zoned('b', 'y', 4);
  const pods = pod('web-1', '10.244.0.5', 'a') + pod('web-2', '10.244.0.6', 'a') + pod('web-3', '10.244.1.5', 'b');
  const before = withSlices(read(nodes + pods + service('web')));
  const [edited] = read(
    service('web').replace('front,', 'front, annotations: {service.kubernetes.io/topology-mode: Auto},'),
  );
  const found = await plan(withObjects(before, [edited!]), before);
  const slice = withSlices(withObjects(before, [edited!])).find(
    ({ kind }) => kind === 'EndpointSlice',
  ) as EndpointSlice;
  expect(slice.endpoints?.map(({ zone, hints }) => [zone, hints?.forZones?.map(({ name }) => name)])).toEqual([
    ['x', ['y']],
    ['x', ['x']],
    ['y', ['y']],
  ]);
  expect(found.slices).toMatchObject([{ change: 'changed', fields: [{ path: 'endpoints', after: slice.endpoints }] }]);
  expect(found.shares).toEqual([
    { servicePort: 'demo/front:http', endpoint: '10.244.0.5:8080', before: 1 / 3, after: 0.25 },
    { servicePort: 'demo/front:http', endpoint: '10.244.0.6:8080', before: 1 / 3, after: 0.5 },
    { servicePort: 'demo/front:http', endpoint: '10.244.1.5:8080', before: 1 / 3, after: 0.25 },
  ]);
});

test('without a node its pods get nothing more', async () => {
  const found = await plan(withoutObjects(cluster, [{ kind: 'Node', namespace: '', name: 'b' }]));
  expect(found.shares.map(({ endpoint, after }) => [endpoint, after])).toEqual([
    ['10.244.0.5:8080', 1],
    ['10.244.1.5:8080', 0],
  ]);
  expect(found.objects.map(({ change, object }) => `${change} ${object}`).sort()).toEqual([
    'deleted Node b',
    'deleted Pod demo/new-1',
    'deleted Pod demo/web-2',
  ]);
});

test('kinds whose work is not foreseen are named', async () => {
  const made = ['Job', 'ConfigMap', 'CustomResourceDefinition'].flatMap((kind) =>
    read(`kind: ${kind}\nmetadata: {name: web, namespace: demo}\n`),
  );
  const found = await plan(withObjects(cluster, made));
  expect(found.notes).toEqual(['what controllers make of objects of kind Job (pods, slices) is not foreseen']);
});

test('a NetworkPolicy is rules of the nodes whose pods it isolates', async () => {
  const policy = read(`
kind: NetworkPolicy
metadata: {name: closed, namespace: demo}
spec: {podSelector: {matchLabels: {app: new}}, policyTypes: [Ingress]}
`);
  const found = await plan(withObjects(cluster, policy));
  expect(found.notes).toEqual([]);
  expect(found.rules.map(({ node: name }) => name)).toEqual(['b']);
  expect(found.rules[0]?.added.join('\n')).toContain('10.244.1.6');
});

test('a Service of both families has records, slices and rules of each', async () => {
  const dual = read(
    pod('web-3', '10.244.0.9', 'a').replace(
      'podIPs: [{ip: 10.244.0.9}]',
      'podIPs: [{ip: 10.244.0.9}, {ip: "fd00:10:244::9"}]',
    ) +
      service('web')
        .replaceAll('front', 'both')
        .replaceAll(
          'clusterIPs: [10.96.0.9], ipFamilies: [IPv4]',
          'clusterIPs: [10.96.0.11, "fd00:96::b"], ipFamilies: [IPv4, IPv6]',
        )
        .replaceAll('10.96.0.9', '10.96.0.11'),
  );
  const found = await plan(withObjects(cluster, dual));
  expect(found.records.added).toEqual([
    '_http._tcp.both.demo.svc.cluster.local. SRV 0 50 80 both.demo.svc.cluster.local.',
    'both.demo.svc.cluster.local. A 10.96.0.11',
    'both.demo.svc.cluster.local. AAAA fd00:96::b',
  ]);
  expect(found.slices.filter(({ change }) => change === 'created')).toHaveLength(2);
  expect(
    found.shares.filter(({ servicePort }) => servicePort === 'demo/both:http').map(({ endpoint }) => endpoint),
  ).toEqual(['10.244.0.5:8080', '10.244.0.9:8080', '10.244.1.5:8080', '[fd00:10:244::9]:8080']);
  for (const { added } of found.rules) expect(added.join('\n')).toContain('fd00:96::b');
});
