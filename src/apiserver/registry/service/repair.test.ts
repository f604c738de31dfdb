import { expect, test } from 'vitest';
import type { Event, Service, ServiceSpec } from '../../../api/core/v1/types.generated.ts';
import type { IPAddress } from '../../../api/networking/v1/types.generated.ts';
import { settle } from '../../../client/fake/settle.ts';
import { MemoryStorage } from '../../../storage/memory/memory-storage.ts';
import type { Operation } from '../../../storage/storage.ts';
import { FakeClock } from '../../../system/fake/clock.ts';
import { FakeRandom } from '../../../system/fake/random.ts';
import { encodeForStorage } from '../../watch-cache/stored-object.ts';
import { ipAddressOf } from './claims.ts';
import { planRepair, type RepairInput } from './repair-plan.ts';
import { ServiceHooks } from './service-hooks.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const made = '2026-01-01T00:00:00Z';

function serviceOf(name: string, spec: ServiceSpec): Service {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name, namespace: 'demo', uid: name, creationTimestamp: made },
    spec: { type: 'ClusterIP', ...spec },
  };
}
function addressOf(service: Service, ip: string): IPAddress {
  const address = ipAddressOf(service, ip as Parameters<typeof ipAddressOf>[1]);
  address.metadata.creationTimestamp = made;
  return address;
}
function plan(input: Partial<RepairInput>) {
  const { complaints, ...rest } = planRepair({
    services: [],
    addresses: [],
    ports: new Map(),
    isServiceIP: (ip) => ip.startsWith('10.96.'),
    nodePorts: { first: 30000, last: 32767 },
    now: start + 3600_000,
    ...input,
  });
  return { reasons: complaints.map(({ about, reason }) => `${about.name} ${reason}`), ...rest };
}

const web = serviceOf('web', { clusterIPs: ['10.96.0.5'] });

test('nothing to do', () => {
  const { reasons, ...rest } = plan({ services: [web], addresses: [addressOf(web, '10.96.0.5')] });
  expect(reasons).toEqual([]);
  expect(Object.values(rest).flat()).toEqual([]);
});

test('addresses of Services', () => {
  expect(plan({ services: [web] })).toMatchObject({
    reasons: ['web ClusterIPNotAllocated'],
    recordIPs: [{ ip: '10.96.0.5' }],
  });
  expect(plan({ services: [serviceOf('odd', { clusterIPs: ['x'] })] }).reasons).toEqual(['odd ClusterIPNotValid']);
  expect(plan({ services: [serviceOf('far', { clusterIPs: ['192.0.2.1'] })] }).reasons).toEqual([
    'far ClusterIPOutOfRange',
  ]);
  const twin = serviceOf('twin', { clusterIPs: ['10.96.0.5'] });
  expect(plan({ services: [web, twin], addresses: [addressOf(web, '10.96.0.5')] })).toMatchObject({
    reasons: ['twin ClusterIPAlreadyAllocated'],
    recordIPs: [],
  });
  const unlabelled = addressOf(web, '10.96.0.5');
  unlabelled.metadata.labels = {};
  expect(plan({ services: [web], addresses: [unlabelled] }).recordIPs).toHaveLength(1);
});

test('addresses without a Service, after their grace', () => {
  const stray = addressOf(web, '10.96.0.5');
  expect(plan({ addresses: [stray] })).toMatchObject({
    reasons: ['10.96.0.5 IPAddressNotAllocated'],
    dropIPs: ['10.96.0.5'],
  });
  expect(plan({ addresses: [stray], now: start + 59_000 }).dropIPs).toEqual([]);
  const moved = serviceOf('web', { type: 'ExternalName' });
  expect(plan({ services: [moved], addresses: [stray] }).reasons).toEqual(['10.96.0.5 IPAddressWrongReference']);
  expect(plan({ services: [moved], addresses: [stray], now: start + 59_000 }).dropIPs).toEqual([]);
  const foreign = addressOf(web, '10.96.0.5');
  foreign.metadata.labels = { 'ipaddress.kubernetes.io/managed-by': 'someone.else' };
  expect(plan({ addresses: [foreign] }).dropIPs).toEqual([]);
});

test('node ports', () => {
  const spec: ServiceSpec = { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] };
  const [one, two] = [serviceOf('one', spec), serviceOf('two', spec)];
  expect(plan({ services: [one] })).toMatchObject({
    reasons: ['one PortNotAllocated'],
    recordPorts: [{ port: 30001 }],
  });
  const ports = new Map([[30001, { namespace: 'demo', name: 'one' }]]);
  expect(plan({ services: [one, two], ports }).reasons).toEqual(['two PortAlreadyAllocated']);
  expect(plan({ ports }).leakedPorts).toEqual([30001]);
  const low = serviceOf('low', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] });
  expect(plan({ services: [low] }).reasons).toEqual(['low PortOutOfRange']);
});

test('a pass mends the store and tells once; a leaked port goes after three passes', async () => {
  const storage = new MemoryStorage();
  const hooks = new ServiceHooks({
    storage,
    clock: new FakeClock(start),
    random: new FakeRandom(3),
    serviceCIDRs: ['10.96.0.0/16'],
  });
  await hooks.prepare();
  const put = (key: string, value: string) =>
    storage.transact({ compare: [], operations: [{ type: 'put', key, value }] });
  await put('/registry/core/services/demo/web', encodeForStorage(web));
  await put('/registry/portico/nodeports/30005', JSON.stringify({ namespace: 'demo', name: 'gone' }));
  const leaked = async () => (await storage.get('/registry/portico/nodeports/30005')).item !== undefined;
  await hooks.repair();
  expect((await storage.get('/registry/networking.k8s.io/ipaddresses/10.96.0.5')).item).toBeDefined();
  await hooks.repair();
  expect(await leaked()).toBe(true);
  await hooks.repair();
  expect(await leaked()).toBe(false);
  const events = (await storage.range({ prefix: '/registry/core/events/demo/' })).items;
  expect(events.map(({ value }) => (JSON.parse(value) as Event).reason)).toEqual(['ClusterIPNotAllocated']);
});

test('an address that somebody deletes comes back at once, not in three minutes', async () => {
  const storage = new MemoryStorage();
  const clock = new FakeClock(start);
  const hooks = new ServiceHooks({ storage, clock, random: new FakeRandom(3), serviceCIDRs: ['10.96.0.0/16'] });
  await hooks.prepare();
  const key = '/registry/networking.k8s.io/ipaddresses/10.96.0.5';
  const change = (operation: Operation) => storage.transact({ compare: [], operations: [operation] });
  await change({ type: 'put', key: '/registry/core/services/demo/web', value: encodeForStorage(web) });
  const stop = new AbortController();
  const running = hooks.run(stop.signal);
  await settle();
  expect((await storage.get(key)).item).toBeDefined();
  await hooks.addressHooks.beginDelete?.({ metadata: { name: '10.96.0.5' } }, { dryRun: false });
  await change({ type: 'delete', key });
  await settle();
  clock.advance(500);
  await settle();
  expect((await storage.get(key)).item).toBeDefined();
  stop.abort();
  await running;
});
