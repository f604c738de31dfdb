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
  ])('%s', (_, endpoints, expected) => {
    expect(ips(plan({}, ...endpoints).clusterEndpoints)).toEqual(expected);
  });
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
  });
});

test('ipMode Proxy and hostnames make no rules', () => {
  const web = service({ name: 'web', type: 'LoadBalancer' });
  const ingress = [{ ip: '192.0.2.1', ipMode: 'Proxy' }, { hostname: 'lb.example' }, { ip: '192.0.2.2' }];
  const [port] = servicePorts({ ...web, status: { loadBalancer: { ingress } } }, 'IPv4');
  expect(port?.loadBalancerIPs).toEqual(['192.0.2.2']);
});
