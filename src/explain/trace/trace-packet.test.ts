import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { ProxyMode } from '../../proxy/settings.ts';
import { parseFrom, parseTo, TraceError } from './ends.ts';
import { traceText } from './text.ts';
import { isWell, type Trace } from './trace.ts';
import { type TraceRequest, tracePacket } from './trace-packet.ts';

const cluster = `
kind: Node
metadata: {name: a, labels: {topology.kubernetes.io/zone: z1}}
spec: {podCIDRs: [10.244.0.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.11}]}
---
kind: Node
metadata: {name: b, labels: {topology.kubernetes.io/zone: z2}}
spec: {podCIDRs: [10.244.1.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.12}]}
---
kind: Pod
metadata: {name: client, namespace: demo}
spec: {nodeName: a}
status: {podIP: 10.244.0.5}
---
kind: Pod
metadata: {name: web-1, namespace: demo, labels: {app: web}}
spec: {nodeName: b}
status: {podIP: 10.244.1.6}
---
kind: Pod
metadata: {name: web-2, namespace: demo, labels: {app: web}}
spec: {nodeName: a}
status: {podIP: 10.244.0.7}
`;

const service = (spec: string) => `
---
kind: Service
metadata: {name: web, namespace: demo, resourceVersion: "81"}
spec: {clusterIP: 10.96.0.50, clusterIPs: [10.96.0.50], selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}], ${spec}}
`;

const slice = (endpoints: string) => `
---
kind: EndpointSlice
addressType: IPv4
metadata: {name: web-x, namespace: demo, labels: {kubernetes.io/service-name: web}}
ports: [{name: http, port: 8080}]
endpoints: [${endpoints}]
`;

const both = slice(
  '{addresses: [10.244.1.6], nodeName: b, conditions: {ready: true}}, {addresses: [10.244.0.7], nodeName: a, conditions: {ready: false}}',
);

function request(manifests: string, from: string, to: string, mode: ProxyMode = 'nftables'): TraceRequest {
  const objects = parseAllDocuments(cluster + manifests).map((document) => document.toJS() as KubeObject);
  const settings = { mode, clusterCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] };
  return { objects, from: parseFrom(from, 'demo'), to: parseTo(to), settings, clusterDomain: 'cluster.local' };
}

const trace = (...asked: Parameters<typeof request>): Trace => tracePacket(request(...asked));

test('a pod asks by name: the search path, the Service, who may answer and who not, and the node of the endpoint', () => {
  const found = trace(service('type: NodePort') + both, 'pod/client', 'web:80');
  expect(found.name).toEqual({
    host: 'web',
    asked: [{ name: 'web.demo.svc.cluster.local.', result: 'NOERROR', records: ['10.96.0.50'] }],
    addresses: ['10.96.0.50'],
  });
  expect(found.service).toMatchObject({
    service: 'demo/web',
    resourceVersion: '81',
    door: 'cluster IP',
    policy: 'spec.internalTrafficPolicy: Cluster',
    candidates: [
      { endpoint: '10.244.0.7:8080', target: 'pod demo/web-2', isCandidate: false, why: 'not ready', share: 0 },
      { endpoint: '10.244.1.6:8080', target: 'pod demo/web-1', node: 'b', isCandidate: true, why: '', share: 1 },
    ],
  });
  const [outcome] = found.outcomes;
  expect(outcome).toMatchObject({
    result: 'arrives',
    source: '10.244.0.5',
    masqueraded: false,
    target: 'pod demo/web-1',
  });
  expect(outcome?.hops.map(({ node }) => node)).toEqual(['a', 'b']);
  expect(outcome?.reply.at(-1)).toContain('10.96.0.50:80 -> 10.244.0.5');
});

test('names that are found further down the search path, nodes, and names for nobody', () => {
  const asked = (to: string, from = 'pod/client') => trace(service('type: ClusterIP') + both, from, to);
  expect(asked('web.demo:80').name?.asked.map(({ name, result }) => [name, result])).toEqual([
    ['web.demo.demo.svc.cluster.local.', 'NXDOMAIN'],
    ['web.demo.svc.cluster.local.', 'NOERROR'],
  ]);
  expect(asked('b:22').outcomes).toMatchObject([{ result: 'arrives', target: 'node b' }]);
  const nobody = asked('example.com:80');
  expect(nobody.outcomes).toEqual([]);
  expect(traceText(nobody, { isInFull: false })).toContain('example.com has no address for this sender');
  expect(asked('web:80', 'node/a').name?.note).toContain('known to its pods only');
});

test.each<{ why: string; manifests: string; way: readonly [from: string, to: string]; cause: object }>([
  {
    why: 'no pod has the labels',
    manifests: `${service('type: ClusterIP').replace('{app: web}', '{app: wbe}')}${slice('')}`,
    way: ['pod/client', 'web:80'],
    cause: {
      object: 'Service demo/web',
      field: 'spec.selector',
      message: expect.stringContaining('nearest are pods web-1, web-2: its app is web, not wbe'),
    },
  },
  {
    why: 'nobody is ready',
    manifests: service('type: ClusterIP') + slice('{addresses: [10.244.1.6], nodeName: b, conditions: {ready: false}}'),
    way: ['pod/client', 'web:80'],
    cause: { field: 'EndpointSlice endpoints[].conditions.ready', message: 'none of its 1 endpoint is ready' },
  },
  {
    why: 'no such port',
    manifests: service('type: ClusterIP') + both,
    way: ['pod/client', 'web:81'],
    cause: { field: 'spec.ports', message: 'the Service has no port 81/TCP; it has 80/TCP' },
  },
  {
    why: 'no such port of this protocol',
    manifests: service('type: ClusterIP') + both,
    way: ['pod/client', 'web:80/udp'],
    cause: { field: 'spec.ports', message: 'the Service has no port 80/UDP; it has 80/TCP' },
  },
  {
    why: 'a cluster IP of nobody',
    manifests: '',
    way: ['pod/client', '10.96.3.3:80'],
    cause: { object: 'ServiceCIDR' },
  },
  {
    why: 'a node without an endpoint under policy Local',
    manifests: service('type: NodePort, externalTrafficPolicy: Local') + both,
    way: ['external', 'a:30080'],
    cause: { field: 'spec.externalTrafficPolicy', message: 'the policy is Local, and no endpoint on a is ready' },
  },
  {
    why: 'a client outside the source ranges',
    manifests: `${service('type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24]')}status: {loadBalancer: {ingress: [{ip: 198.51.100.9}]}}\n${both}`,
    way: ['external/192.0.2.9', '198.51.100.9:80'],
    cause: { field: 'spec.loadBalancerSourceRanges', message: '192.0.2.9 is in none of 203.0.113.0/24' },
  },
])('what stands in the way: $why', ({ manifests, way: [from, to], cause }) => {
  for (const mode of ['nftables', 'iptables'] as const) {
    const found = trace(manifests, from, to, mode);
    // kube-proxy's iptables mode has no rule for cluster IPs of nobody and for their unknown ports.
    if (mode === 'iptables' && found.outcomes[0]?.result === 'leaves the cluster') continue;
    expect(
      found.outcomes.every(({ result }) => result === 'refused' || result === 'dropped'),
      mode,
    ).toBe(true);
    expect(found.cause, mode).toMatchObject(cause);
    expect(traceText(found, { isInFull: false })).toMatch(/^Change {3}\S/m);
  }
});

test('from outside, a node port under policy Cluster hides the client', () => {
  const [outcome] = trace(service('type: NodePort') + both, 'external', 'a:30080').outcomes;
  expect(outcome).toMatchObject({
    result: 'arrives',
    target: 'pod demo/web-1',
    source: '172.30.0.11',
    masqueraded: true,
  });
});

test('questions that make no sense get one line', () => {
  expect(() => parseFrom('web', 'demo')).toThrow(TraceError);
  expect(() => parseTo('web')).toThrow('is not HOST:PORT');
  expect(() => parseTo('web:99999')).toThrow('is no port');
  expect(() => parseTo('web:80/icmp')).toThrow('is none of tcp, udp, sctp');
  for (const link of ['224.0.0.1', '255.255.255.255', '[ff02::1]', '[FE80::1]'])
    expect(() => parseTo(`${link}:53/udp`)).toThrow('stays on the link of its sender');
  expect(() => trace('', 'pod/nobody', '10.96.0.1:80')).toThrow('there is no pod demo/nobody among the objects');
});

test('the address of nobody is oneself', () => {
  expect(parseTo('0.0.0.0:80').host).toBe('127.0.0.1');
  expect(parseTo('[0::0]:80').host).toBe('::1');
});

const policy = (name: string, spec: string) => `
---
kind: NetworkPolicy
metadata: {name: ${name}, namespace: demo}
spec: ${spec}
`;

test('a NetworkPolicy that drops is named, on whichever node it does', () => {
  const web = service('type: ClusterIP') + both;
  const denying = trace(web + policy('walled', '{podSelector: {matchLabels: {app: web}}}'), 'pod/client', 'web:80');
  expect(denying.outcomes).toMatchObject([{ result: 'dropped', hops: [{ node: 'a' }, { node: 'b' }] }]);
  expect(denying.cause).toMatchObject({
    object: 'NetworkPolicy demo/walled',
    field: 'spec.ingress',
    message: 'no rule of it lets pod demo/client (10.244.0.5) reach pod demo/web-1 (10.244.1.6) on port 8080',
  });
  const out = policy('quiet', '{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 80}]}]}');
  const quiet = trace(web + out, 'pod/client', 'web:80', 'iptables');
  expect(quiet.outcomes).toMatchObject([{ result: 'dropped', hops: [{ node: 'a' }] }]);
  expect(quiet.cause).toMatchObject({ object: 'NetworkPolicy demo/quiet', field: 'spec.egress' });
  const friends = policy('friends', '{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}');
  expect(trace(web + friends, 'pod/client', 'web:80').outcomes).toMatchObject([{ result: 'arrives' }]);
});

test.each<ProxyMode>(['nftables', 'iptables'])('the proxy refuses before a policy drops, %s', (mode) => {
  const quiet = policy('quiet', '{podSelector: {}, policyTypes: [Egress]}');
  const { outcomes, cause } = trace(service('type: ClusterIP') + slice('') + quiet, 'pod/client', 'web:80', mode);
  expect(outcomes).toMatchObject([{ result: 'refused' }]);
  expect(cause).toMatchObject({ object: 'Service demo/web' });
});

test.each<ProxyMode>(['nftables', 'iptables', 'ipvs'])(
  "by another node's port a packet crosses that node, %s",
  (mode) => {
    const web = service('type: NodePort, externalTrafficPolicy: Cluster') + both.replace('ready: false', 'ready: true');
    const found = trace(web, 'pod/client', '172.30.0.12:30080', mode);
    expect(found.service).toMatchObject({ service: 'demo/web', door: 'node port' });
    const ways = found.outcomes.map(({ destination, source, probability, hops, reply }) => ({
      way: `${hops.map(({ node }) => node).join(' ')} ${destination} sees ${source}`,
      probability,
      back: reply.at(-1),
    }));
    const back =
      'on b connection tracking turns it into 172.30.0.12:30080 -> 10.244.0.5: the client sees the answer come from where it asked';
    expect(ways).toEqual([
      { way: 'a b a 10.244.0.7:8080 sees 172.30.0.12', probability: 0.5, back },
      { way: 'a b 10.244.1.6:8080 sees 10.244.1.1', probability: 0.5, back },
    ]);
    const local = service('type: NodePort, externalTrafficPolicy: Local');
    const fromNode = trace(local + both.replace('nodeName: b', 'nodeName: a'), 'node/a', '172.30.0.12:30080', mode);
    // ipvs falls back to the endpoints of other nodes.
    if (mode === 'ipvs') expect(fromNode.service?.candidates.map(({ share }) => share)).toContain(1);
    else
      expect(fromNode.cause).toMatchObject({
        field: 'spec.externalTrafficPolicy',
        message: 'the policy is Local, and no endpoint on b is ready',
      });
  },
);

test.each<{ why: string; from: string; to: string; note: string }>([
  {
    why: 'another namespace',
    from: 'pod/client',
    to: 'far:80',
    note: 'there is no Service far in namespace demo: ask for far.away',
  },
  {
    why: 'nobody in a namespace that there is',
    from: 'pod/client',
    to: 'nix.demo:80',
    note: 'there is no Service demo/nix: kubectl get services -A',
  },
  {
    why: 'nobody in the cluster',
    from: 'pod/client',
    to: 'nix.nowhere.svc.cluster.local:80',
    note: 'there is no Service nowhere/nix: kubectl get services -A',
  },
  {
    why: 'the world',
    from: 'pod/client',
    to: 'www.example.com:80',
    note: 'there is no namespace example with Services; who has www.example.com outside, the DNS there knows',
  },
  { why: 'nobody', from: 'pod/client', to: 'nix:80', note: 'there is no Service demo/nix: kubectl get services -A' },
  {
    why: 'a pod',
    from: 'pod/client',
    to: 'web-1:80',
    note: 'web-1 is a pod, whose name DNS does not know: ask 10.244.1.6',
  },
  {
    why: 'headless and not ready',
    from: 'pod/client',
    to: 'web:80',
    note: 'Service demo/web is headless and has no endpoint',
  },
  {
    why: 'an alias',
    from: 'pod/client',
    to: 'alias:80',
    note: 'alias.demo.svc.cluster.local. is another name of www.example.com.',
  },
  {
    why: 'endpoints that are names',
    from: 'pod/client',
    to: 'named:80',
    note: 'another name of db.example.com. (its Endpoint',
  },
  { why: "the node's DNS", from: 'pod/hostly', to: 'web:80', note: 'set dnsPolicy: ClusterFirstWithHostNet' },
  { why: 'a node', from: 'node/a', to: 'web:80', note: 'names of the cluster are known to its pods only' },
])('a name without an address says why: $why', ({ from, to, note }) => {
  const more = `
---
kind: Service
metadata: {name: far, namespace: away}
spec: {clusterIP: 10.96.0.60, ports: [{port: 80}]}
---
kind: Service
metadata: {name: alias, namespace: demo}
spec: {type: ExternalName, externalName: www.example.com}
---
kind: Service
metadata: {name: named, namespace: demo}
spec: {clusterIP: None}
---
kind: EndpointSlice
metadata: {name: named-1, namespace: demo, labels: {kubernetes.io/service-name: named}}
addressType: FQDN
endpoints: [{addresses: [db.example.com]}]
---
kind: Pod
metadata: {name: hostly, namespace: demo}
spec: {nodeName: a, hostNetwork: true}
status: {podIP: 172.30.0.11}
`;
  const headless = service('clusterIP: None').replace('clusterIP: 10.96.0.50, clusterIPs: [10.96.0.50], ', '');
  const { name, outcomes } = trace(more + headless, from, to);
  expect([name?.addresses, outcomes]).toEqual([[], []]);
  expect(name?.note).toContain(note);
});

test.each([
  ['pod/client2', 'there is no pod demo/client2 among the objects: kubectl get pods -A lists those that there are'],
  ['pod/other/client', 'there is no pod other/client among the objects: there is pod/demo/client'],
  ['node/z', 'there is no Node z among the objects: there are a, b'],
])('a sender that is not there, %s, is told of before its names are', (from, message) => {
  expect(() => trace('', from, 'web:80')).toThrow(message);
});

const families = `
---
kind: Node
metadata: {name: six}
spec: {podCIDRs: [10.244.6.0/24, 'fd00:6::/64']}
status: {addresses: [{type: InternalIP, address: 172.30.0.16}, {type: InternalIP, address: 'fd00:172::16'}]}
---
kind: Service
metadata: {name: dual, namespace: demo}
spec: {clusterIP: 'fd00:96::5', clusterIPs: ['fd00:96::5'], ipFamilies: [IPv6], ports: [{port: 80, nodePort: 30086}]}
---
kind: EndpointSlice
addressType: IPv6
metadata: {name: dual-x, namespace: demo, labels: {kubernetes.io/service-name: dual}}
ports: [{port: 80}]
endpoints: [{addresses: ['fd00:1::7'], nodeName: b, conditions: {ready: true}}]
`;

test('who is hidden behind a node has the address of the family of the packet', () => {
  const { outcomes } = trace(families, 'external', '[fd00:172::16]:30086');
  expect(outcomes).toMatchObject([{ result: 'arrives', source: 'fd00:172::16', destination: '[fd00:1::7]:80' }]);
});

test('what a pod sends to itself no node sees', () => {
  for (const to of ['127.0.0.1:30080', '10.244.0.5:80']) {
    const [outcome] = trace(service('type: NodePort') + both, 'pod/client', to).outcomes;
    expect(outcome).toMatchObject({ result: 'arrives', target: 'pod demo/client', hops: [], destination: to });
    expect(outcome?.note).toMatch(/^it stays in the pod/);
  }
});

test('a node port is answered at addresses of the node; at any other port, by whoever listens', () => {
  const asked = (to: string, mode?: ProxyMode) => trace(service('type: NodePort') + both, 'node/a', to, mode);
  expect(asked('127.0.0.1:30080')).toMatchObject({
    outcomes: [{ result: 'refused', target: 'node a' }],
    cause: {
      object: 'Service demo/web',
      message: 'node port 30080 is not answered at 127.0.0.1',
      remedy: 'ask an address of the node: 172.30.0.11',
    },
  });
  expect(asked('127.0.0.1:30080', 'iptables')).toMatchObject({
    service: { service: 'demo/web', door: 'node port' },
    outcomes: [{ result: 'arrives', target: 'pod demo/web-1' }],
  });
  expect(asked('172.30.0.11:22').outcomes[0]?.note).toContain('if a process of the node listens there');
});

test('iptables refuses node ports without endpoints at addresses that answer for none, too', () => {
  const asked = (nodePortAddresses: string[]) => {
    const made = request(service('type: NodePort'), 'node/a', '10.244.0.1:30080', 'iptables');
    return tracePacket({ ...made, settings: { ...made.settings, nodePortAddresses } });
  };
  expect(asked([])).toMatchObject({ service: { door: 'node port' }, cause: { field: 'EndpointSlice endpoints' } });
  expect(asked(['primary'])).toMatchObject({
    service: undefined,
    outcomes: [{ result: 'refused' }],
    cause: { field: 'spec.ports[].nodePort', message: 'node port 30080 is not answered at 10.244.0.1' },
  });
});

test('a pod that asks a node port at the address of a load balancer comes as its node, which policy Local holds back', () => {
  const announced = service('type: LoadBalancer, externalTrafficPolicy: Local')
    .replace('resourceVersion: "81"', 'annotations: {portico.dev/announced-by: a}')
    .concat('status: {loadBalancer: {ingress: [{ip: 192.0.2.80}]}}\n', both);
  expect(trace(announced, 'pod/web-1', '192.0.2.80:30080', 'iptables')).toMatchObject({
    service: { door: 'node port', policy: 'spec.externalTrafficPolicy: Local' },
    outcomes: [{ result: 'dropped' }],
    cause: { field: 'spec.externalTrafficPolicy', message: 'the policy is Local, and no endpoint on a is ready' },
  });
});

test('a pod whose packet another node sends back to it gets nothing', () => {
  const { outcomes, cause } = trace(
    service('type: NodePort, externalTrafficPolicy: Local') + both,
    'pod/web-1',
    '172.30.0.11:30080',
  );
  expect(outcomes).toMatchObject([{ result: 'dropped', destination: '10.244.1.6:8080' }]);
  expect(cause?.message).toContain('comes back to its own sender');
});

test('an endpoint outside is outside, and an address of nobody is nobody', () => {
  const outside = slice('{addresses: [192.0.2.55], conditions: {ready: true}}');
  const left = trace(service('type: ClusterIP') + outside, 'pod/client', 'web:80');
  expect(left.outcomes).toMatchObject([{ result: 'leaves the cluster', destination: '192.0.2.55:8080' }]);
  const lost = trace('', 'pod/client', '10.244.1.77:80');
  expect(lost.outcomes).toMatchObject([{ result: 'dropped' }]);
  expect(lost.cause).toMatchObject({ object: 'Node b', field: 'spec.podCIDRs' });
  const over =
    '\n---\nkind: Pod\nmetadata: {name: job, namespace: demo}\nspec: {nodeName: b}\nstatus: {podIP: 10.244.1.77, phase: Succeeded}\n';
  expect(trace(over, 'pod/client', '10.244.1.77:80').outcomes).toMatchObject([{ result: 'dropped' }]);
  expect(() => trace(over, 'pod/job', 'web:80')).toThrow('pod demo/job is over (Succeeded), so it sends nothing');
});

test('from outside, a load balancer is entered at the node that answers for its address', () => {
  const balanced = service('type: LoadBalancer, externalTrafficPolicy: Local')
    .replace('resourceVersion: "81"', 'annotations: {portico.dev/announced-by: b}')
    .concat('status: {loadBalancer: {ingress: [{ip: 192.0.2.80}]}}\n');
  const { from, outcomes } = trace(balanced + both, 'external', '192.0.2.80:80');
  expect(from.node).toBe('b');
  expect(outcomes).toMatchObject([{ result: 'arrives', target: 'pod demo/web-1', masqueraded: false }]);
  expect(trace(balanced + both, 'pod/client', '192.0.2.80:81').outcomes).toMatchObject([
    { target: 'node b', hops: [{ node: 'a' }, { node: 'b' }] },
  ]);
});

test('a port of a load balancer that no Service has is the process of a node: another node hides its pod from it', () => {
  const announced = service('type: LoadBalancer')
    .replace('resourceVersion: "81"', 'annotations: {portico.dev/announced-by: b}')
    .concat('status: {loadBalancer: {ingress: [{ip: 198.51.100.9}]}}\n', both);
  const there = { result: 'arrives', destination: '198.51.100.9:81' };
  const hidden = trace(announced, 'pod/demo/client', '198.51.100.9:81');
  expect(hidden.outcomes).toMatchObject([{ ...there, source: '172.30.0.11', masqueraded: true }]);
  const same = trace(announced, 'pod/demo/web-1', '198.51.100.9:81');
  expect(same.outcomes).toMatchObject([{ ...there, source: '10.244.1.6', masqueraded: false }]);
});

test('a headless Service: who asks picks a pod, and no port is translated', () => {
  const headless = service('clusterIP: None').replace('clusterIP: 10.96.0.50, clusterIPs: [10.96.0.50], ', '') + both;
  const { name, outcomes } = trace(headless, 'pod/client', 'web:80');
  expect(outcomes).toMatchObject([{ target: 'pod demo/web-1' }]);
  expect(name?.note).toContain('its endpoints listen at 8080, not at 80');
  expect(trace(headless, 'pod/client', 'web:8080').name?.note).toMatch(/here the first$/);
});

test('a search path of the pod itself is tried, by its own number of dots', () => {
  const own = `
---
kind: Pod
metadata: {name: own, namespace: other}
spec: {nodeName: a, dnsConfig: {searches: [demo.svc.cluster.local], options: [{name: ndots, value: '1'}]}}
status: {podIP: 10.244.0.9}
`;
  const asked = (to: string) =>
    trace(own + service('type: ClusterIP') + both, 'pod/other/own', to).name?.asked.map(({ name }) => name);
  expect(asked('web:80')).toEqual([
    'web.other.svc.cluster.local.',
    'web.svc.cluster.local.',
    'web.cluster.local.',
    'web.demo.svc.cluster.local.',
  ]);
  expect(asked('web.demo:80')?.[0]).toBe('web.demo.');
});

test("of Services that claim one address, the one that decides is told of, with the others' names", () => {
  const shared = service('externalIPs: [198.51.100.9]');
  const empty = shared.replace('name: web,', 'name: aaa,').replaceAll('10.96.0.50', '10.96.0.51');
  const found = trace(empty + shared + both, 'external', '198.51.100.9:80');
  expect(found.service).toMatchObject({ service: 'demo/web', rivals: ['demo/aaa'] });
  expect(found.outcomes).toMatchObject([{ result: 'arrives', target: 'pod demo/web-1' }]);
  expect(traceText(found, { isInFull: false })).toContain('claimed by demo/aaa, too');
});

test('what iptables mode refuses nobody is not well because it leaves the cluster', () => {
  const external = service('externalIPs: [198.51.100.9]') + slice('');
  for (const to of ['198.51.100.9:80', '10.96.0.50:81']) {
    const found = trace(external, 'node/a', to, 'iptables');
    expect(found.outcomes).toMatchObject([
      { result: 'leaves the cluster', note: expect.stringContaining('no rule for it') },
    ]);
    expect(found.cause).toMatchObject({ object: 'Service demo/web' });
    expect(isWell(found)).toBe(false);
  }
});

test.each([
  [
    'another proxy',
    service('type: ClusterIP').replace(
      'resourceVersion',
      'labels: {service.kubernetes.io/service-proxy-name: mesh}, resourceVersion',
    ),
    { field: 'metadata.labels[service.kubernetes.io/service-proxy-name]', message: expect.stringContaining('(mesh)') },
  ],
  ['nobody', '', { object: 'ServiceCIDR' }],
])('an address in the range of cluster IPs is left to %s', (_, manifests, cause) => {
  expect(trace(manifests, 'pod/client', '10.96.0.50:80').cause).toMatchObject(cause);
});

test('of an address with ipMode: Proxy it is said that nodes leave it to the load balancer', () => {
  const proxied = `${service('type: LoadBalancer')}status: {loadBalancer: {ingress: [{ip: 198.51.100.9, ipMode: Proxy}]}}\n`;
  const { outcomes, cause } = trace(proxied + both, 'pod/client', '198.51.100.9:80');
  expect(outcomes).toMatchObject([{ result: 'leaves the cluster', note: expect.stringContaining('ipMode: Proxy') }]);
  expect(cause).toBeUndefined();
});

test('an answer that comes back by another way than the packet went is none', () => {
  const local = service('type: NodePort, externalTrafficPolicy: Local') + both;
  const found = trace(
    `${local}${'\n---\nkind: Pod\nmetadata: {name: near, namespace: demo}\nspec: {nodeName: b}\nstatus: {podIP: 10.244.1.9}\n'}`,
    'pod/near',
    '172.30.0.11:30080',
  );
  expect(found.outcomes).toMatchObject([
    { result: 'arrives', target: 'pod demo/web-1', isUnanswered: true, reply: [] },
  ]);
  expect(found.outcomes[0]?.note).toContain('without passing a');
  expect(found.cause).toMatchObject({ object: 'Service demo/web', field: 'spec.externalTrafficPolicy' });
  expect(isWell(found)).toBe(false);
  expect(isWell(trace(local, 'pod/client', '172.30.0.12:30080'))).toBe(true);
});

test.each<ProxyMode>(['nftables', 'iptables'])('a health check node port is answered by the proxy, %s', (mode) => {
  const checked =
    service('type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30999, ipFamilies: [IPv4]') + both;
  const ask = (to: string) => trace(checked, 'external/203.0.113.7', to, mode);
  const [none, one] = ['172.30.0.11:30999', '172.30.0.12:30999'].map(ask);
  expect(none?.outcomes).toMatchObject([
    {
      result: 'arrives',
      note: 'its proxy tells load balancers 503 there: no ready endpoints are on a for Service demo/web',
    },
  ]);
  expect(one?.outcomes).toMatchObject([
    {
      result: 'arrives',
      note: 'its proxy tells load balancers 200 there: 1 ready endpoint is on b for Service demo/web',
    },
  ]);
  const asked = request(checked, 'node/a', '127.0.0.1:30999', mode);
  const closed = tracePacket({ ...asked, settings: { ...asked.settings, nodePortAddresses: ['primary'] } });
  expect(closed).toMatchObject({
    outcomes: [{ result: 'refused' }],
    cause: {
      object: 'Service demo/web',
      field: 'spec.healthCheckNodePort',
      remedy: expect.stringMatching(/172.30.0.11$/),
    },
  });
});

test('in mode ipvs the first of Services with one address decides, and a port that none has is refused', () => {
  const second = service('type: ClusterIP, externalIPs: [198.51.100.9]');
  const first = second.replaceAll('name: web', 'name: also');
  const ask = (to: string) => trace(first + second + both, 'pod/client', to, 'ipvs');
  expect(ask('198.51.100.9:80')).toMatchObject({
    outcomes: [{ result: 'refused' }],
    cause: { object: 'Service demo/also' },
  });
  expect(ask('198.51.100.9:81')).toMatchObject({ outcomes: [{ result: 'refused' }], cause: { field: 'spec.ports' } });
});

test('in mode ipvs policy Local goes to other nodes where none is near, and nobody hears the answer', () => {
  const far = service('type: NodePort, externalTrafficPolicy: Local') + both;
  const { outcomes, cause } = trace(far, 'external/203.0.113.7', '172.30.0.11:30080', 'ipvs');
  expect(outcomes).toMatchObject([{ result: 'arrives', isUnanswered: true }]);
  expect(cause).toMatchObject({
    field: 'spec.externalTrafficPolicy',
    message: expect.stringContaining('does not hide who asks'),
    remedy: 'set the policy to Cluster, or run a ready pod on a',
  });
});

test('under policy Local nobody on another node is said to yield to others', () => {
  const going = slice(
    '{addresses: [10.244.1.6], nodeName: b, conditions: {ready: false, serving: true, terminating: true}}',
  );
  const { service: step } = trace(
    service('type: ClusterIP, internalTrafficPolicy: Local') + going,
    'pod/client',
    'web:80',
  );
  expect(step?.candidates).toMatchObject([{ isCandidate: false, why: 'on another node, and the policy is Local' }]);
});

test('what leaves the cluster from a pod comes from its node', () => {
  const { outcomes } = trace('', 'pod/client', '198.51.100.9:80');
  expect(outcomes).toMatchObject([{ result: 'leaves the cluster', source: '172.30.0.11', masqueraded: true }]);
});

test('with egress off nothing leaves but to the network of the nodes, and the sender hears nothing', () => {
  const reach = ['172.30.0.0/24', '203.0.113.5'];
  const to = (address: string) => tracePacket({ ...request('', 'pod/client', address), reach });
  const found = to('198.51.100.9:80');
  expect(found.outcomes).toMatchObject([{ result: 'dropped', destination: '198.51.100.9:80', source: '172.30.0.11' }]);
  expect(found.cause).toMatchObject({ field: '--egress off', message: expect.stringContaining('hears nothing') });
  expect(isWell(found)).toBe(false);
  const text = traceText(found, { isInFull: false });
  expect(text).toContain('Dropped  100 % on the way to 198.51.100.9:80');
  expect(text).toContain('Change   `portico up --egress on` opens it');
  for (const near of ['172.30.0.1:6443', '203.0.113.5:22']) {
    expect(to(near).outcomes).toMatchObject([{ result: 'leaves the cluster', destination: near }]);
    expect(isWell(to(near))).toBe(true);
  }
  expect(isWell(tracePacket({ ...request(service('type: ClusterIP') + both, 'pod/client', 'web:80'), reach }))).toBe(
    true,
  );
});

test('what objects do not answer is their cause with egress off, too, and the outcome says what becomes of it', () => {
  const found = tracePacket({ ...request('', 'pod/client', '10.96.0.77:80', 'iptables'), reach: [] });
  expect(found.cause).toMatchObject({ object: 'ServiceCIDR' });
  expect(found.outcomes).toMatchObject([
    { result: 'dropped', note: expect.stringMatching(/has no rule for it.*; egress is off: .* hears nothing$/) },
  ]);
});

test('policies are named in full, however many isolate a pod', () => {
  const names = Array.from({ length: 9 }, (_, i) => `a-policy-of-some-length-${i}`);
  const walls = names.map((name) => policy(name, '{podSelector: {matchLabels: {app: web}}}')).join('');
  const { cause } = trace(service('type: ClusterIP') + both + walls, 'pod/client', 'web:80');
  expect(cause?.object).toBe(`NetworkPolicy ${names.map((name) => `demo/${name}`).join(', ')}`);
});

test('addresses are understood however they are written', () => {
  expect(trace(families, 'external/FD00:0:0::9', '[FD00:172:0::16]:30086').outcomes).toMatchObject([
    { result: 'arrives', destination: '[fd00:1::7]:80' },
  ]);
});

test.each<{ why: string; slices: string; candidate: object }>([
  {
    why: 'a pod that counts as ready because the Service says so',
    slices: '{addresses: [10.244.1.6], nodeName: b, conditions: {ready: true, serving: false}}',
    candidate: {
      target: 'pod demo/web-1',
      isCandidate: true,
      why: 'not ready, but spec.publishNotReadyAddresses takes it for ready',
    },
  },
  {
    why: 'a pod on the network of its node',
    slices: '{addresses: [172.30.0.12], nodeName: b, targetRef: {kind: Pod, namespace: demo, name: hostly}}',
    candidate: { endpoint: '172.30.0.12:8080', target: 'pod demo/hostly', node: 'b', isCandidate: true, why: '' },
  },
])('who may answer is told as what it is: $why', ({ slices, candidate }) => {
  const found = trace(service('type: ClusterIP') + slice(slices), 'pod/client', 'web:80');
  expect(found.service?.candidates).toMatchObject([candidate]);
});

test('a pod whose containers say that they listen elsewhere may refuse', () => {
  const declaring = (ports: string) => `
---
kind: Pod
metadata: {name: own, namespace: demo}
spec: {nodeName: b, containers: [{name: c, ports: ${ports}}]}
status: {podIP: 10.244.1.9}
`;
  const notes = (ports: string) =>
    trace(declaring(ports), 'pod/client', '10.244.1.9:8080').outcomes.map(({ result, note }) => [result, note]);
  expect(notes('[{containerPort: 80}, {containerPort: 8080, protocol: UDP}]')).toEqual([
    [
      'arrives',
      'the containers of pod own say that they listen at 80/TCP, 8080/UDP: if none does at 8080/TCP, it is refused there',
    ],
  ]);
  for (const ports of ['[]', '[{containerPort: 8080}]']) expect(notes(ports)).toEqual([['arrives', undefined]]);
});

test('of a node on the way that is not ready it is said that it may be down', () => {
  const down = `
---
kind: Node
metadata: {name: d}
spec: {podCIDRs: [10.244.9.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.19}], conditions: [{type: Ready, status: Unknown}]}
`;
  const asked = (to: string) =>
    trace(down + service('type: NodePort') + both, 'pod/client', to).outcomes.map(({ result, note }) => [result, note]);
  expect(asked('172.30.0.19:30080')).toEqual([['arrives', 'd is not ready: if it is down, nothing passes it']]);
  expect(asked('172.30.0.12:30080')).toEqual([['arrives', undefined]]);
});

const dns = `
---
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{name: dns, port: 53, protocol: UDP}]}
---
kind: Pod
metadata: {name: coredns, namespace: kube-system}
spec: {nodeName: b}
status: {podIP: 10.244.1.53}
`;
const dnsSlice = (ready: boolean) => `
---
kind: EndpointSlice
addressType: IPv4
metadata: {name: kube-dns-x, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
ports: [{name: dns, port: 53, protocol: UDP}]
endpoints: [{addresses: [10.244.1.53], nodeName: b, conditions: {ready: ${ready}}}]
`;

test("a policy that lets a pod reach its Service, and not the cluster's DNS, leaves it without the name", () => {
  const web = service('type: ClusterIP') + both + dns;
  const toWeb = '{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}';
  const walled = trace(web + dnsSlice(true) + policy('quiet', toWeb), 'pod/client', 'web:80');
  expect(walled).toMatchObject({
    name: {
      addresses: [],
      note: 'the question for it does not reach Service kube-system/kube-dns (10.96.0.10:53/UDP)',
    },
    outcomes: [],
    cause: { object: 'NetworkPolicy demo/quiet', message: expect.stringContaining('coredns (10.244.1.53) on port 53') },
  });
  const byAddress = trace(web + dnsSlice(true) + policy('quiet', toWeb), 'pod/client', '10.96.0.50:80');
  expect(byAddress.outcomes).toMatchObject([{ result: 'arrives' }]);
  const toAll = toWeb.replace('[{podSelector: {}}]', '[{namespaceSelector: {}}]');
  expect(isWell(trace(web + dnsSlice(true) + policy('open', toAll), 'pod/client', 'web:80'))).toBe(true);
  // Nobody answers names; manifests without its slices do not tell.
  expect(trace(web + dnsSlice(false), 'pod/client', 'web:80').cause).toMatchObject({
    object: 'Service kube-system/kube-dns',
  });
  expect(isWell(trace(web, 'pod/client', 'web:80'))).toBe(true);
});

test.each([
  ['web:http', ': a packet has the number of a port, not its name "http"'],
  ['[fd00::1]:dns/udp', ': a packet has the number of a port, not its name "dns"'],
  ['fd00:96::1:80', ': an IPv6 address stands in brackets'],
  ['web', '53/udp'],
  ['http://web:80', '53/udp'],
])('a destination that is none says what is wrong with it: %s', (to, end) => {
  expect(() => parseTo(to)).toThrow(new RegExp(`is not HOST:PORT, .*${end}$`));
});
