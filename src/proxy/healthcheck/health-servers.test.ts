import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { constants } from 'node:os';
import { expect, test, vi } from 'vitest';
import type { EventText } from '../../client/events.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { createInformers } from '../../client/informers.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { http } from '../../system/http.ts';
import { nodeA, planned, type ServiceShort, service, settings } from '../fixtures/objects.ts';
import { RecordingBackend } from '../fixtures/recording-backend.ts';
import { planServicePort } from '../plan.ts';
import { Proxier } from '../proxier.ts';
import { servicePorts } from '../service-port.ts';
import { HealthServers } from './health-servers.ts';
import { serviceHealths } from './responses.ts';

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
  const [web, webTLS] = servicePorts(service(balancer), 'IPv4');
  const endpoints = {
    http: [planned('10.244.1.1', local), planned('10.244.1.2', local), planned('10.244.2.1')],
    https: [
      planned('10.244.1.2', local),
      planned('10.244.1.3', local),
      planned('10.244.1.4', { ...local, ready: false, terminating: true }),
    ],
  };
  // Without a node port and an address yet nothing comes from outside: the load balancer asks all the same.
  const plans = [planServicePort(web!, endpoints.http, nodeA), planServicePort(webTLS!, endpoints.https, nodeA)];
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

function proxierOf(port: number): Proxier {
  const clock = new FakeClock(0);
  const api = new FakeApi({ clock, random: new FakeRandom(1) });
  const proxier = new Proxier({
    settings,
    nodeName: 'node-a',
    backend: new RecordingBackend(),
    informers: createInformers(api, { clock, random: new FakeRandom(1) }),
    clock,
  });
  const [first] = servicePorts(service(balancer), 'IPv4');
  proxier.plans = () => [planServicePort({ ...first!, healthCheckNodePort: port }, [], nodeA)];
  return proxier;
}

test('a health check node port that is taken is told of the Service, and tried again', async () => {
  const taken = createServer();
  await once(taken.listen(0, '::'), 'listening');
  const { port } = taken.address() as AddressInfo;
  const clock = new FakeClock(0);
  const { promise: told, resolve } = Promise.withResolvers<EventText>();
  const recorder = { event: (_: unknown, text: EventText) => resolve(text) };
  const stop = new AbortController();
  const servers = new HealthServers({ proxier: proxierOf(port), settings, clock, nodeName: 'node-a', recorder });
  const running = servers.run(stop.signal);
  expect(await told).toMatchObject({
    type: 'Warning',
    reason: 'FailedToStartServiceHealthcheck',
    message: expect.stringContaining(`node node-a failed to start healthcheck "demo/lb" on port ${port}: `),
  });
  await once(taken.close(), 'close');
  const created = vi.spyOn(http, 'createServer');
  clock.advance(5000);
  const server = created.mock.results[0]!.value as Server;
  created.mockRestore();
  await once(server, 'listening');
  stop.abort();
  await running;
});

test('health checks are answered where the kernel has no IPv6', async () => {
  // As with `ipv6.disable=1`.
  type Bound = { binding(name: string): { readonly TCP: { readonly prototype: { bind6(): number } } } };
  const { TCP } = (process as unknown as Bound).binding('tcp_wrap');
  const bind6 = vi.spyOn(TCP.prototype, 'bind6').mockReturnValue(-constants.errno.EAFNOSUPPORT);
  const created = vi.spyOn(http, 'createServer');
  const stop = new AbortController();
  const running = new HealthServers({
    ...{ proxier: proxierOf(0), settings, clock: new FakeClock(0), nodeName: 'node-a' },
  }).run(stop.signal);
  const server = created.mock.results[0]!.value as Server;
  created.mockRestore();
  await once(server, 'listening');
  bind6.mockRestore();
  stop.abort();
  await running;
});

test('an address of its own that is taken is tried again until it is free', async () => {
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const { port } = taken.address() as AddressInfo;
  const clock = new FakeClock(0);
  const { promise: told, resolve: log } = Promise.withResolvers<string>();
  const created = vi.spyOn(http, 'createServer');
  const stop = new AbortController();
  const servers = new HealthServers({
    ...{ proxier: proxierOf(0), settings, clock, nodeName: 'node-a', log },
    healthzAddress: `127.0.0.1:${port}`,
  });
  const running = servers.run(stop.signal);
  const server = created.mock.results[0]!.value as Server;
  created.mockRestore();
  expect(await told).toContain(`cannot serve on port ${port}: `);
  await once(taken.close(), 'close');
  const listening = once(server, 'listening');
  clock.advance(5000);
  await listening;
  stop.abort();
  await running;
});

test('health checks are answered on the addresses of node ports only', async () => {
  const created = vi.spyOn(http, 'createServer');
  const stop = new AbortController();
  const running = new HealthServers({
    proxier: proxierOf(0),
    settings: { ...settings, nodePortAddresses: ['127.0.0.2/32'] },
    clock: new FakeClock(0),
    nodeName: 'node-a',
  }).run(stop.signal);
  const server = created.mock.results[0]!.value as Server;
  created.mockRestore();
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (host: string) => {
    const request = http.get({ host, port, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  expect(await ask('127.0.0.2')).toBe(503);
  await expect(ask('127.0.0.1')).rejects.toThrow('ECONNRESET');
  stop.abort();
  await running;
});
