// What is read from Services (service-semantics 3.1).
import { describe, expect, test } from 'vitest';
import type { Service } from '../api/core/v1/types.generated.ts';
import { type ServiceShort, service } from './fixtures/objects.ts';
import { isProxied, type ServicePort, servicePorts } from './service-port.ts';

function ports(short: Partial<ServiceShort>, family: 'IPv4' | 'IPv6' = 'IPv4'): ServicePort[] {
  return servicePorts(service({ name: 'web', ...short }), family);
}

const first = (...args: Parameters<typeof ports>): ServicePort => {
  const [port] = ports(...args);
  if (!port) throw new Error('the Service has no port of this family');
  return port;
};

describe('which Services', () => {
  const labelled = (labels: Record<string, string>): Service => {
    const web = service({ name: 'web' });
    return { ...web, metadata: { ...web.metadata, labels } };
  };

  test.each<[string, Service, boolean]>([
    ['with a cluster IP', service({ name: 'web' }), true],
    ['without one yet', service({ name: 'web', clusterIP: '' }), false],
    ['headless', service({ name: 'web', clusterIP: 'None', clusterIPs: ['None'] }), false],
    ['ExternalName, with a cluster IP left behind', service({ name: 'web', type: 'ExternalName' }), false],
    ["another proxy's", labelled({ 'service.kubernetes.io/service-proxy-name': 'other' }), false],
    ["another proxy's, of no name", labelled({ 'service.kubernetes.io/service-proxy-name': '' }), false],
    ['labelled otherwise', labelled({ 'service.kubernetes.io/headless': '' }), true],
  ])('%s: %s', (_, object, expected) => {
    expect(isProxied(object)).toBe(expected);
    expect(servicePorts(object, 'IPv4').length > 0).toBe(expected);
  });

  test('of each family those with an address of it, whichever comes first', () => {
    const dual = { clusterIP: 'fd00:96::A', clusterIPs: ['fd00:96::A', '10.96.0.10'] };
    expect(first(dual).clusterIP).toBe('10.96.0.10');
    expect(first(dual, 'IPv6').clusterIP).toBe('fd00:96::a');
    expect(ports({ clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] }, 'IPv6')).toEqual([]);
    expect(first({ clusterIP: '10.96.0.10' }).clusterIP).toBe('10.96.0.10');
  });
});

test('a port is named after its Service and itself', () => {
  const named = ports({
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'assoc', port: 132, protocol: 'SCTP' },
      { name: 'http', port: 80 },
    ],
  });
  expect(named.map(({ name, protocol, port }) => [name, protocol, port])).toEqual([
    ['demo/web:dns', 'udp', 53],
    ['demo/web:assoc', 'sctp', 132],
    ['demo/web:http', 'tcp', 80],
  ]);
  expect(first({ ports: [{ port: 80 }] }).name).toBe('demo/web');
});

describe('addresses from outside', () => {
  test('external IPs of the family', () => {
    const externalIPs = ['192.0.2.1', '2001:DB8::1', 'not an address'];
    expect(first({ externalIPs }).externalIPs).toEqual(['192.0.2.1']);
    expect(first({ clusterIP: 'fd00:96::1', externalIPs }, 'IPv6').externalIPs).toEqual(['2001:db8::1']);
  });

  test.each([
    ['VIP, said or not', [{ ip: '192.0.2.1', ipMode: 'VIP' }, { ip: '192.0.2.2' }], ['192.0.2.1', '192.0.2.2']],
    ['Proxy: packets go to the load balancer itself', [{ ip: '192.0.2.1', ipMode: 'Proxy' }], []],
    ['names', [{ hostname: 'lb.example' }], []],
    ['the other family', [{ ip: '2001:db8::1' }], []],
  ])('of load balancers, %s', (_, ingress, expected) => {
    const web = service({ name: 'web', type: 'LoadBalancer' });
    const [port] = servicePorts({ ...web, status: { loadBalancer: { ingress } } }, 'IPv4');
    expect(port?.loadBalancerIPs).toEqual(expected);
  });

  test('node ports', () => {
    expect(first({ ports: [{ port: 80, nodePort: 30080 }] }).nodePort).toBe(30080);
    expect(first({ ports: [{ port: 80, nodePort: 0 }] }).nodePort).toBeUndefined();
  });
});

describe('source ranges', () => {
  test.each([
    ['none', [], [], []],
    ['with blanks around, and host bits', [' 10.1.2.3/8 '], ['10.0.0.0/8'], []],
    ['each family its own', ['10.0.0.0/8', 'fd00::1/64'], ['10.0.0.0/8'], ['fd00::/64']],
    ['any /0 opens its family, and only that', ['10.0.0.0/8', '0.0.0.0/0', 'fd00::/64'], [], ['fd00::/64']],
    ['only of the other family: open', ['::/0'], [], []],
  ])('%s', (_, loadBalancerSourceRanges, four, six) => {
    expect(first({ loadBalancerSourceRanges }).sourceRanges).toEqual(four);
    expect(first({ clusterIP: 'fd00:96::1', loadBalancerSourceRanges }, 'IPv6').sourceRanges).toEqual(six);
  });
});

describe('policies', () => {
  test.each([
    [{}, { internalPolicyLocal: false, externalPolicyLocal: false }],
    [{ internalTrafficPolicy: 'Local' }, { internalPolicyLocal: true, externalPolicyLocal: false }],
    [{ externalTrafficPolicy: 'Local' }, { internalPolicyLocal: false, externalPolicyLocal: true }],
    [{ externalTrafficPolicy: 'Cluster' }, { internalPolicyLocal: false, externalPolicyLocal: false }],
  ])('%j', (short, expected) => {
    expect(first(short)).toMatchObject(expected);
  });

  test.each([
    [{}, undefined],
    [{ sessionAffinity: 'None' }, undefined],
    [{ sessionAffinity: 'ClientIP' }, 10800],
    [{ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: {} } }, 10800],
    [{ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }, 60],
    [{ sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }, undefined],
  ])('affinity %j: %s seconds', (short, expected) => {
    expect(first(short).affinitySeconds).toBe(expected);
  });

  test.each([
    [{ type: 'LoadBalancer', externalTrafficPolicy: 'Local' }, 30999],
    [{ type: 'LoadBalancer', externalTrafficPolicy: 'Cluster' }, undefined],
    [{ type: 'NodePort', externalTrafficPolicy: 'Local' }, undefined],
  ])('health check node port of %j: %s', (short, expected) => {
    expect(first({ ...short, healthCheckNodePort: 30999 }).healthCheckNodePort).toBe(expected);
  });
});
