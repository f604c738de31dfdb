import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { joinHostPort } from '../../net/ip.ts';
import { arbitraryPolicies, clusterCIDRs, nodes, pods, serviceCIDRs } from '../fixtures/cluster.ts';
import { parseTo } from '../trace/ends.ts';
import { tracePacket } from '../trace/trace-packet.ts';
import { withObjects } from './change.ts';
import { compareReach } from './reach.ts';
import type { ReachEnd } from './reach-groups.ts';
import { withSlices } from './slices.ts';
import { reachText } from './text.ts';

const read = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject);

const pod = (namespace: string, name: string, ip: string, more = '') => `
---
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, uid: ${name}, labels: {app: ${name.split('-')[0]}}}
spec: {nodeName: ${ip.startsWith('10.244.0') ? 'a' : 'b'}, containers: [{name: c, ports: [{containerPort: 8080, protocol: TCP}]}]${more}}
status: {phase: Running, podIP: ${ip}, podIPs: [{ip: ${ip}}], conditions: [{type: Ready, status: "True"}]}
`;
const service = (name: string, ip: string, more = '') => `
---
kind: Service
metadata: {name: ${name}, namespace: shop, uid: ${name}}
spec: {clusterIP: ${ip}, clusterIPs: [${ip}], ipFamilies: [IPv4], selector: {app: ${name}}, ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP${more}}]}
`;
const cluster = withSlices(
  read(`
kind: Node
metadata: {name: a}
spec: {podCIDRs: [10.244.0.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.11}]}
---
kind: Node
metadata: {name: b}
spec: {podCIDRs: [10.244.1.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.12}]}
${pod('shop', 'web-1', '10.244.0.2')}${pod('shop', 'web-2', '10.244.1.2')}
${pod('shop', 'db-1', '10.244.0.3')}${pod('shop', 'db-2', '10.244.1.3')}
${pod('shop', 'lone', '10.244.1.4')}${pod('ops', 'job', '10.244.0.4')}
${pod('ops', 'agent', '172.30.0.12', ', hostNetwork: true')}
${service('web', '10.96.0.5', ', nodePort: 30080')}${service('db', '10.96.0.6')}`),
);

const policy = (spec: string, name = 'wall') =>
  read(`
kind: NetworkPolicy
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
`);

const change = (before: readonly KubeObject[], after: readonly KubeObject[]) =>
  reachText(compareReach(before, after, 'cluster.local'));

describe('what a change of policies cuts off, and lets in', () => {
  test('who is not named is denied, and allowed again without the policy', () => {
    const walled = withObjects(
      cluster,
      policy('{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}'),
    );
    const ends = 'pod ops/agent -> Service shop/db:http (shop/db-1)';
    const others = 'pod ops/job, pod shop/db-1, pod shop/db-2, pod shop/lone -> Service shop/db:http';
    expect(change(cluster, walled)).toEqual({
      denied: [others, '  denied by NetworkPolicy shop/wall', ends, '  denied by NetworkPolicy shop/wall'],
      allowed: [],
    });
    expect(change(walled, cluster)).toEqual({
      denied: [],
      allowed: [others, '  NetworkPolicy shop/wall denies them now', ends, '  NetworkPolicy shop/wall denies them now'],
    });
  });

  test('a namespace that is closed is told in one line for its pods, and in one for what stands open to the world', () => {
    const { denied } = change(cluster, withObjects(cluster, policy('{podSelector: {}}')));
    expect(denied.filter((line) => !line.startsWith('  '))).toEqual([
      'outside the cluster, pod ops/job, pod shop/db-1, pod shop/db-2, pod shop/lone and 2 more -> Service shop/web:http',
      'pod ops/job, pod shop/db-1, pod shop/db-2, pod shop/lone, pod shop/web-1 and 1 more -> Service shop/db:http, pod shop/lone 8080/TCP',
      'pod ops/agent -> Service shop/db:http (shop/db-1), Service shop/web:http (shop/web-1)',
    ]);
  });

  test('what goes out: the ports outside that rules name, and the others', () => {
    const named = '{podSelector: {matchLabels: {app: lone}}, policyTypes: [Egress], egress: [{ports: [{port: 443}]}]}';
    const closed = '{podSelector: {matchLabels: {app: lone}}, policyTypes: [Egress]}';
    const [toWeb, none] = [withObjects(cluster, policy(named)), withObjects(cluster, policy(closed))];
    expect(change(cluster, none).denied[0]).toBe(
      'pod shop/lone -> Service shop/db:http, Service shop/web:http, pod ops/job 8080/TCP, outside the cluster',
    );
    expect(change(cluster, toWeb).denied[0]).toBe(
      'pod shop/lone -> Service shop/db:http, Service shop/web:http, outside the cluster (other ports), pod ops/job 8080/TCP',
    );
    expect(change(toWeb, none).denied[0]).toBe('pod shop/lone -> outside the cluster 443/TCP');
  });

  test('a block outside', () => {
    const from = (cidr: string) =>
      withObjects(
        cluster,
        policy(`{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: ${cidr}}}]}]}`),
      );
    expect(change(from('203.0.113.0/24'), from('198.51.100.0/24'))).toEqual({
      denied: ['outside the cluster (203.0.113.0/24) -> Service shop/web:http', '  denied by NetworkPolicy shop/wall'],
      allowed: [
        'outside the cluster (198.51.100.0/24) -> Service shop/web:http',
        '  NetworkPolicy shop/wall denies them now',
      ],
    });
  });

  test('a label of a pod is a change, too; a pod that comes has no connections yet', () => {
    const walled = withObjects(
      cluster,
      policy('{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}'),
    );
    const other = read(pod('shop', 'lone', '10.244.1.4').replace('app: lone', 'app: web'));
    expect(change(walled, withObjects(walled, other)).allowed[0]).toBe('pod shop/lone -> Service shop/db:http');
    expect(change(walled, withObjects(walled, read(pod('shop', 'new', '10.244.1.9'))))).toEqual({
      denied: [],
      allowed: [],
    });
  });
});

const runs = Number(process.env.FUZZ_RUNS ?? 20);

test('it is what traces say, of every pair of pods', () => {
  const namespaces = ['demo', 'other'].map((name) => ({
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  }));
  const world: readonly KubeObject[] = [...nodes, ...pods, ...namespaces];
  const settings = { mode: 'nftables', clusterCIDRs, serviceCIDRs, nodePortAddresses: [] } as const;
  const deniedIn = (objects: readonly KubeObject[]) => {
    const denied = new Map<string, string>();
    for (const { metadata } of pods) {
      for (const target of pods.filter((one) => one.metadata.name !== metadata.name && !one.spec.hostNetwork)) {
        for (const { ip } of target.status?.podIPs ?? []) {
          const from = { kind: 'pod', namespace: metadata.namespace!, name: metadata.name } as const;
          const to = parseTo(joinHostPort(ip, 8080));
          const { cause } = tracePacket({ objects, from, to, settings, clusterDomain: 'cluster.local' });
          const key = `${metadata.namespace}/${metadata.name} ${objectKey(target)} ${ip}`;
          if (cause) denied.set(key, cause.object);
        }
      }
    }
    return denied;
  };
  fc.assert(
    fc.property(arbitraryPolicies, arbitraryPolicies, (old, now) => {
      const [before, after] = [
        [...world, ...old],
        [...world, ...now],
      ];
      const [was, is] = [deniedIn(before), deniedIn(after)];
      const wanted = new Set<string>();
      const pairOf = (key: string) => key.split(' ').slice(0, 2).join(' ');
      for (const [key, by] of is) if (!was.has(key)) wanted.add(`denied ${pairOf(key)} ${by}`);
      for (const [key, by] of was) if (!is.has(key)) wanted.add(`allowed ${pairOf(key)} ${by}`);
      const inPods = (ends: readonly ReachEnd[]) =>
        // Each pod stands for itself: `pod demo/a0 8080/TCP`.
        ends.flatMap(({ name }) => (name.startsWith('outside') ? [] : (name.split(' ')[1] ?? [])));
      const found = new Set(
        compareReach(before, after, 'cluster.local').flatMap(({ change: kind, from, to, policies }) =>
          inPods(from).flatMap((source) =>
            inPods(to).flatMap((target) =>
              source === target ? [] : [`${kind} ${source} ${target} NetworkPolicy ${policies.join(', ')}`],
            ),
          ),
        ),
      );
      expect([...found].sort()).toEqual([...wanted].sort());
    }),
    { numRuns: runs },
  );
});
