import { expect, test } from 'vitest';
import { nodeA, planned, type ServiceShort, service } from '../fixtures/objects.ts';
import { planServicePort } from '../plan.ts';
import { servicePorts } from '../service-port.ts';
import { serviceHealths } from './health-servers.ts';

const balancer: ServiceShort = {
  name: 'lb',
  type: 'LoadBalancer',
  externalTrafficPolicy: 'Local',
  healthCheckNodePort: 30999,
  ports: [
    { name: 'http', port: 80, protocol: 'TCP' },
    { name: 'https', port: 443, protocol: 'TCP' },
  ],
};
const local = { local: true };

test('addresses are counted over all ports of a Service, those that are ready here', () => {
  const [http, https] = servicePorts(service(balancer), 'IPv4');
  const endpoints = {
    http: [planned('10.244.1.1', local), planned('10.244.1.2', local), planned('10.244.2.1')],
    https: [
      planned('10.244.1.2', local),
      planned('10.244.1.3', local),
      planned('10.244.1.4', { ...local, ready: false, terminating: true }),
    ],
  };
  // Without a node port and an address yet nothing comes from outside: the load balancer asks all the same.
  const plans = [planServicePort(http!, endpoints.http, nodeA), planServicePort(https!, endpoints.https, nodeA)];
  expect([...serviceHealths(plans)]).toEqual([[30999, { namespace: 'demo', name: 'lb', localEndpoints: 3 }]]);
});

test('other Services have no such port', () => {
  for (const more of [{ type: 'NodePort' }, { externalTrafficPolicy: 'Cluster' }]) {
    const plans = servicePorts(service({ ...balancer, ...more }), 'IPv4').map((port) =>
      planServicePort(port, [], nodeA),
    );
    expect(serviceHealths(plans).size).toBe(0);
  }
});
