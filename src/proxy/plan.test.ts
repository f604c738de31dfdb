import { describe, expect, test } from 'vitest';
import { nodeA, planned, type ServiceShort, service } from './fixtures/objects.ts';
import { planServicePort, type ServicePortPlan } from './plan.ts';
import { servicePorts } from './service-port.ts';

const local = planned('10.244.1.1', { local: true });
const remote = planned('10.244.2.1');
const ending = { ready: false, terminating: true };

function plan(short: Partial<ServiceShort>, ...endpoints: ReturnType<typeof planned>[]): ServicePortPlan {
  const [port] = servicePorts(service({ name: 'web', ...short }), 'IPv4');
  return planServicePort(port!, endpoints, nodeA);
}

const ips = (endpoints: ServicePortPlan['reachable']) => endpoints.map((endpoint) => endpoint.ip);

const nodePort = { type: 'NodePort', ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }] };
const externalLocal = { ...nodePort, externalTrafficPolicy: 'Local' };

describe('which endpoints', () => {
  test('ready ones, of all nodes', () => {
    const result = plan({}, local, remote, planned('10.244.2.2', { ready: false, serving: false }));
    expect(ips(result.clusterEndpoints)).toEqual(['10.244.1.1', '10.244.2.1']);
    expect(result.internal).toBe('cluster');
    expect(result.external).toBeUndefined();
  });

  test('terminating ones that still serve, when none is ready', () => {
    expect(ips(plan({}, { ...local, ...ending }, { ...remote, ...ending }).clusterEndpoints)).toHaveLength(2);
    expect(ips(plan({}, { ...local, ...ending }, remote).clusterEndpoints)).toEqual(['10.244.2.1']);
  });

  test('those of the node, under internalTrafficPolicy Local', () => {
    const result = plan({ internalTrafficPolicy: 'Local' }, local, remote);
    expect(ips(result.reachable)).toEqual(['10.244.1.1']);
    expect(result.internal).toBe('local');
  });

  test('the local terminating ones before the remote ready ones, under policy Local', () => {
    const result = plan(externalLocal, { ...local, ...ending }, remote);
    expect(ips(result.localEndpoints)).toEqual(['10.244.1.1']);
    expect(ips(result.clusterEndpoints)).toEqual(['10.244.2.1']);
    expect(ips(result.reachable)).toEqual(['10.244.2.1', '10.244.1.1']);
  });
});

describe('terminating endpoints', () => {
  const dying = { ready: false, serving: false, terminating: true };
  const notReady = { ready: false, serving: true };

  test.each<[string, Partial<ServiceShort>, ReturnType<typeof planned>[], string[], string[]]>([
    [
      'stand in, of all nodes',
      {},
      [
        { ...local, ...ending },
        { ...remote, ...ending },
      ],
      ['1.1', '2.1'],
      [],
    ],
    ['not when they serve no more', {}, [{ ...local, ...dying }], [], []],
    ['not before they terminate', {}, [{ ...local, ...notReady }], [], []],
    ['not beside a ready one', {}, [{ ...local, ...ending }, remote], ['2.1'], []],
    [
      'of this node stand in for local ones, while ready ones of others serve the cluster',
      externalLocal,
      [{ ...local, ...ending }, remote],
      ['2.1'],
      ['1.1'],
    ],
    ['of other nodes do not help policy Local', externalLocal, [{ ...remote, ...ending }], ['2.1'], []],
    [
      'of this node under policy Local inside',
      { internalTrafficPolicy: 'Local' },
      [{ ...local, ...ending }],
      [],
      ['1.1'],
    ],
    [
      'of this node do not stand in beside a ready one here',
      externalLocal,
      [{ ...local, ...ending }, planned('10.244.1.2', { local: true })],
      ['1.2'],
      ['1.2'],
    ],
  ])('%s', (...[, short, endpoints, cluster, here]) => {
    const result = plan(short, ...endpoints);
    const tails = (list: ServicePortPlan['reachable']) => ips(list).map((ip) => ip.replace('10.244.', ''));
    expect([tails(result.clusterEndpoints), tails(result.localEndpoints)]).toEqual([cluster, here]);
  });
});

describe('where traffic goes', () => {
  test.each([
    ['nobody anywhere: refused', {}, [], ['reject', undefined]],
    ['nobody anywhere, from outside too', nodePort, [], ['reject', 'reject']],
    ['nobody here, policy Local inside: dropped', { internalTrafficPolicy: 'Local' }, [remote], ['drop', undefined]],
    ['nobody here, policy Local outside: dropped', externalLocal, [remote], ['cluster', 'drop']],
    ['somebody here', externalLocal, [local, remote], ['cluster', 'local']],
    [
      'policy Local inside and Cluster outside',
      { ...nodePort, internalTrafficPolicy: 'Local' },
      [remote],
      ['drop', 'cluster'],
    ],
    ['Local everywhere, nobody here', { ...externalLocal, internalTrafficPolicy: 'Local' }, [remote], ['drop', 'drop']],
    [
      'Local everywhere, somebody here',
      { ...externalLocal, internalTrafficPolicy: 'Local' },
      [local],
      ['local', 'local'],
    ],
    [
      'Local everywhere, nobody anywhere',
      { ...externalLocal, internalTrafficPolicy: 'Local' },
      [],
      ['reject', 'reject'],
    ],
    ['policy Local outside, nobody anywhere', externalLocal, [], ['reject', 'reject']],
    ['somebody, but not ready', nodePort, [{ ...local, ready: false }], ['reject', 'reject']],
    [
      'policy Local outside without a way from outside',
      { externalTrafficPolicy: 'Local' },
      [remote],
      ['cluster', undefined],
    ],
    [
      'by an external IP',
      { externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local' },
      [remote],
      ['cluster', 'drop'],
    ],
    [
      'by an address of a load balancer',
      { type: 'LoadBalancer', vips: ['192.0.2.1'] },
      [remote],
      ['cluster', 'cluster'],
    ],
    ['by an address of the other family only', { externalIPs: ['2001:db8::1'] }, [remote], ['cluster', undefined]],
  ] as const)('%s', (_, short, endpoints, expected) => {
    const result = plan(short as Partial<ServiceShort>, ...endpoints);
    expect([result.internal, result.external]).toEqual(expected);
  });
});

describe('topology', () => {
  const zone1 = planned('10.244.2.1', { zoneHints: ['zone-1'] });
  const zone2 = planned('10.244.2.2', { zoneHints: ['zone-2'] });
  const here = planned('10.244.1.3', { zoneHints: ['zone-1'], nodeHints: ['node-a'] });
  const there = planned('10.244.1.4', { zoneHints: ['zone-1'], nodeHints: ['node-b'] });

  test.each([
    ['the zone of the node', [zone1, zone2], ['10.244.2.1']],
    ['all, when one has no hint', [zone1, remote], ['10.244.2.1', '10.244.2.1']],
    ['all, when the zone has none', [zone2], ['10.244.2.2']],
    ['the node before the zone', [here, there], ['10.244.1.3']],
    ['the zone, when one has no hint of a node', [here, zone1, zone2], ['10.244.1.3', '10.244.2.1']],
    [
      'hints of endpoints that are not ready do not count',
      [zone1, planned('10.244.2.9', { ready: false })],
      ['10.244.2.1'],
    ],
    ['the zone, when no hint is of this node', [there, zone2], ['10.244.1.4']],
    ['one hint of several is enough', [planned('10.244.2.5', { zoneHints: ['zone-2', 'zone-1'] })], ['10.244.2.5']],
    ['hints are for ready endpoints: terminating ones serve all', [{ ...zone2, ...ending }], ['10.244.2.2']],
  ])('%s', (_, endpoints, expected) => {
    expect(ips(plan({}, ...endpoints).clusterEndpoints)).toEqual(expected);
  });
});

test('a node without a zone has no zone hints to follow, but still hints of nodes', () => {
  const [port] = servicePorts(service({ name: 'web' }), 'IPv4');
  const nowhere = { ...nodeA, zone: undefined };
  const reached = (...endpoints: ReturnType<typeof planned>[]) =>
    ips(planServicePort(port!, endpoints, nowhere).reachable);
  const zoned = (ip: string, zone: string, node: string) => planned(ip, { zoneHints: [zone], nodeHints: [node] });
  expect(reached(zoned('10.244.2.1', 'zone-1', 'node-b'), zoned('10.244.2.2', 'zone-2', 'node-c'))).toHaveLength(2);
  expect(reached(zoned('10.244.2.1', 'zone-1', 'node-a'), zoned('10.244.2.2', 'zone-2', 'node-c'))).toEqual([
    '10.244.2.1',
  ]);
});

test('hints never thin out the local endpoints, which are reachable beside those of the hints', () => {
  const here = planned('10.244.1.1', { local: true, zoneHints: ['zone-2'] });
  const near = planned('10.244.2.1', { zoneHints: ['zone-1'] });
  const result = plan(externalLocal, here, near);
  expect([ips(result.clusterEndpoints), ips(result.localEndpoints)]).toEqual([['10.244.2.1'], ['10.244.1.1']]);
  expect(ips(result.reachable).sort()).toEqual(['10.244.1.1', '10.244.2.1']);
});

describe('load balancer source ranges', () => {
  const balancer = { type: 'LoadBalancer', vips: ['192.0.2.1'] };

  test('open to everyone without ranges, with any /0, and with ranges of the other family only', () => {
    for (const loadBalancerSourceRanges of [[], ['0.0.0.0/0', '10.0.0.0/8'], ['fd00::/8']]) {
      expect(plan({ ...balancer, loadBalancerSourceRanges }, local).firewall).toBeUndefined();
    }
  });

  test('the node itself may come when it is within a range', () => {
    const ranges = (...loadBalancerSourceRanges: string[]) =>
      plan({ ...balancer, loadBalancerSourceRanges }, local).firewall?.nodeAllowed;
    expect(ranges('172.18.0.0/24')).toBe(true);
    expect(ranges('10.0.0.0/8')).toBe(false);
    expect(ranges('10.0.0.0/8', '172.18.0.2/32')).toBe(true);
  });

  test('say nothing of Services without an address of a load balancer', () => {
    const loadBalancerSourceRanges = ['10.0.0.0/8'];
    expect(plan({ ...nodePort, type: 'LoadBalancer', loadBalancerSourceRanges }, local).firewall).toBeUndefined();
  });

  test('are judged by the primary address of the node, and none where it has none', () => {
    const [port] = servicePorts(
      service({ name: 'web', ...balancer, loadBalancerSourceRanges: ['172.18.0.0/24'] }),
      'IPv4',
    );
    const of = (...addresses: string[]) => planServicePort(port!, [], { ...nodeA, addresses }).firewall?.nodeAllowed;
    expect([of('172.18.0.9'), of('192.0.2.9', '172.18.0.9'), of()]).toEqual([true, false, false]);
  });
});

test('ipMode Proxy and hostnames make no rules', () => {
  const web = service({ name: 'web', type: 'LoadBalancer' });
  const ingress = [{ ip: '192.0.2.1', ipMode: 'Proxy' }, { hostname: 'lb.example' }, { ip: '192.0.2.2' }];
  const [port] = servicePorts({ ...web, status: { loadBalancer: { ingress } } }, 'IPv4');
  expect(port?.loadBalancerIPs).toEqual(['192.0.2.2']);
});
