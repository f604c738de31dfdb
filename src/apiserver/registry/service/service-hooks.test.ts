import { afterEach, expect, test, vi } from 'vitest';
import type { Service, ServiceSpec } from '../../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../../api/discovery/v1/types.generated.ts';
import { builtinResources } from '../../../api/registry.ts';
import { StatusError } from '../../../apimachinery/status.ts';
import { MemoryStorage } from '../../../storage/memory/memory-storage.ts';
import { FakeClock } from '../../../system/fake/clock.ts';
import { FakeRandom } from '../../../system/fake/random.ts';
import { encodeForStorage } from '../../watch-cache/stored-object.ts';
import { ServiceHooks, type ServiceHooksOptions } from './service-hooks.ts';

const definition = builtinResources().find(({ resource }) => resource === 'services')!;
const ended: AbortController[] = [];
afterEach(() => {
  for (const controller of ended.splice(0)) controller.abort();
});

/** What the registry does with a Service, in as few words: default, hook, prepare, validate, one transaction. */
async function cluster(options: Partial<ServiceHooksOptions> = {}) {
  const { storage = new MemoryStorage() } = options;
  const clock = new FakeClock();
  const hooks = new ServiceHooks({
    storage,
    clock,
    random: new FakeRandom(7),
    serviceCIDRs: ['10.96.0.0/16', 'fd00:96::/112'],
    ...options,
  });
  await hooks.prepare();
  const controller = new AbortController();
  ended.push(controller);
  void hooks.run(controller.signal).catch(() => undefined);
  const { strategy } = definition;
  const key = (name: string) => `/registry/core/services/demo/${name}`;
  const read = async (name: string): Promise<Service> => JSON.parse((await storage.get(key(name))).item!.value);
  const refuse = (errors: readonly { field: string; detail: string }[] = []): void => {
    if (errors.length > 0) throw new Error(errors.map(({ field, detail }) => `${field}: ${detail}`).join('; '));
  };
  return {
    storage,
    read,
    async create(name: string, spec: ServiceSpec, dryRun = false): Promise<Service> {
      for (let attempt = 1; ; attempt++) {
        const metadata = { name, namespace: 'demo' };
        const service: Service = { kind: 'Service', apiVersion: 'v1', metadata, spec: structuredClone(spec) };
        strategy.default?.(service);
        const companions = await hooks.beginCreate(service, { dryRun });
        const { compare, operations } = companions;
        strategy.prepareForCreate?.(service);
        refuse(strategy.validate?.(service));
        if (dryRun) {
          expect([compare, operations]).toEqual([[], []]);
          return service;
        }
        const put = { type: 'put', key: key(name), value: encodeForStorage(service) } as const;
        const result = await storage.transact({
          compare: [{ key: key(name), modRevision: 0 }, ...compare],
          operations: [put, ...operations],
        });
        if (result.succeeded) return service;
        expect(result.current[0]).toBeUndefined();
        expect(attempt).toBeLessThan(50);
        companions.refused?.(result.current.slice(1));
      }
    },
    async update(name: string, change: (service: Service) => void): Promise<Service> {
      const old = await read(name);
      const service = structuredClone(old);
      change(service);
      strategy.default?.(service);
      const { compare, operations } = await hooks.beginUpdate(service, old, { dryRun: false });
      strategy.prepareForUpdate?.(service, old);
      refuse(strategy.validateUpdate?.(service, old));
      const put = { type: 'put', key: key(name), value: encodeForStorage(service) } as const;
      expect((await storage.transact({ compare, operations: [put, ...operations] })).succeeded).toBe(true);
      return service;
    },
    async remove(name: string): Promise<void> {
      const { compare, operations } = await hooks.beginDelete(await read(name), { dryRun: false });
      const gone = { type: 'delete', key: key(name) } as const;
      expect((await storage.transact({ compare, operations: [gone, ...operations] })).succeeded).toBe(true);
    },
    async held(prefix: string): Promise<string[]> {
      return (await storage.range({ prefix })).items.map((item) => item.key.slice(prefix.length));
    },
  };
}

const addresses = '/registry/networking.k8s.io/ipaddresses/';
const nodePorts = '/registry/portico/nodeports/';
const port80 = (): ServiceSpec => ({ ports: [{ port: 80 }] });
const message = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof StatusError ? `${error.status.code} ${error.message}` : String(error)),
  );

test('a Service is given an address of the dynamic band, and an IPAddress says so', async () => {
  const { create, held, storage } = await cluster();
  const { spec } = await create('web', port80());
  expect(spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', clusterIPs: [spec.clusterIP] });
  expect(await held(addresses)).toEqual(['10.96.0.1', spec.clusterIP]);
  const [, , third, fourth] = spec.clusterIP!.split('.').map(Number);
  expect(third! * 256 + fourth!).toBeGreaterThan(256);
  const stored = JSON.parse((await storage.get(addresses + spec.clusterIP)).item!.value);
  expect(stored).toMatchObject({
    kind: 'IPAddress',
    metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4' } },
    spec: { parentRef: { group: '', resource: 'services', namespace: 'demo', name: 'web' } },
  });
});

test('static addresses: taken, outside, network address, free again after delete', async () => {
  const { create, remove } = await cluster();
  const wants = (clusterIP: string): ServiceSpec => ({ ...port80(), clusterIP });
  await create('one', wants('10.96.0.77'));
  expect(await message(create('two', wants('10.96.0.77')))).toBe(
    '422 Service "two" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.77"]: failed to allocate IP 10.96.0.77: provided IP is already allocated',
  );
  for (const ip of ['192.0.2.1', '10.96.0.0', '10.96.255.255']) {
    expect(await message(create('net', wants(ip)))).toBe(
      `422 Service "net" is invalid: spec.clusterIPs: Invalid value: ["${ip}"]: failed to allocate IP ${ip}: the provided network does not match the current range`,
    );
  }
  await remove('one');
  expect((await create('two', wants('10.96.0.77'))).spec.clusterIPs).toEqual(['10.96.0.77']);
});

test('a full range is an internal error, and every address was given once', async () => {
  const { create, held } = await cluster({ serviceCIDRs: ['10.0.0.0/29'] });
  const given: string[] = [];
  for (let i = 0; i < 5; i++) {
    given.push((await create(`s${i}`, port80())).spec.clusterIP!);
    // The view follows the store by watching: the next turn of the event loop has it.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(new Set([...given, '10.0.0.1']).size).toBe(6);
  expect(await held(addresses)).toHaveLength(6);
  expect(await message(create('more', port80()))).toBe(
    '500 Internal error occurred: failed to allocate a serviceIP for Service "more": range is full',
  );
});

test('servers that know nothing of each other give each address and port once, and read none before they write', async () => {
  const storage = new MemoryStorage();
  const options = { storage, serviceCIDRs: ['10.0.0.0/28'], nodePortRange: { first: 30_000, last: 30_014 } };
  const [one, two] = [await cluster(options), await cluster(options)];
  const reads = vi.spyOn(storage, 'get');
  const made = [];
  for (let i = 0; i < 12; i++) {
    made.push(await (i % 2 === 0 ? one : two).create(`s${i}`, { type: 'NodePort', ...port80() }));
  }
  const read = reads.mock.calls.map(([key]) => key);
  expect(read.filter((key) => key.startsWith(addresses) || key.startsWith(nodePorts))).toEqual([]);
  expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(12);
  expect(new Set(made.map(({ spec }) => spec.ports?.[0]?.nodePort)).size).toBe(12);
});

test('without a name the address cannot be recorded, in upstream words', async () => {
  const { create } = await cluster();
  expect((await message(create('', port80()))).replace(/10\.96\.\d+\.\d+/, 'IP')).toBe(
    '422 Service "" is invalid: spec.clusterIPs: Invalid value: [""]: failed to allocate IP: IPAddress.networking.k8s.io "IP" is invalid: spec.parentRef.name: Required value',
  );
});

test('a dry run checks and shows a placeholder, and takes nothing', async () => {
  const { create, held } = await cluster();
  expect((await create('dry', port80(), true)).spec.clusterIP).toBe('10.96.0.0');
  expect((await create('dry', { ...port80(), clusterIP: '10.96.0.90' }, true)).spec.clusterIP).toBe('10.96.0.90');
  expect(await held(addresses)).toEqual(['10.96.0.1']);
});

test('the way through the types keeps, takes and gives back what it should', async () => {
  const { create, update, held } = await cluster();
  const { spec: first } = await create('s', { ports: [{ port: 80 }], selector: { a: 'b' } });
  const nodePort = (await update('s', ({ spec }) => (spec.type = 'NodePort'))).spec.ports![0]!.nodePort;
  expect(nodePort).toBeGreaterThanOrEqual(30086);
  const local = await update('s', ({ spec }) => {
    spec.type = 'LoadBalancer';
    spec.externalTrafficPolicy = 'Local';
  });
  expect(local.spec).toMatchObject({ clusterIP: first.clusterIP, ports: [{ nodePort }], type: 'LoadBalancer' });
  expect(await held(nodePorts)).toEqual([String(nodePort), String(local.spec.healthCheckNodePort)].sort());
  const back = await update('s', ({ spec }) => (spec.type = 'ClusterIP'));
  expect(back.spec).toEqual(first);
  expect(await held(nodePorts)).toEqual([]);
  const external = await update('s', ({ spec }) => {
    spec.type = 'ExternalName';
    spec.externalName = 'a.example.com';
  });
  expect(external.spec).toEqual({
    externalName: 'a.example.com',
    ports: first.ports,
    selector: { a: 'b' },
    sessionAffinity: 'None',
    type: 'ExternalName',
  });
  expect(await held(addresses)).toEqual(['10.96.0.1']);
  const again = await update('s', ({ spec }) => {
    spec.type = 'ClusterIP';
    delete spec.externalName;
  });
  expect(await held(addresses)).toEqual(['10.96.0.1', again.spec.clusterIP]);
});

test('applying the same manifest again changes nothing', async () => {
  const { create, update, read } = await cluster();
  const manifest: ServiceSpec = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  };
  await create('s', structuredClone(manifest));
  const before = await read('s');
  const after = await update('s', (service) => (service.spec = structuredClone(manifest)));
  expect(after).toEqual(before);
});

test('node ports: out of range, taken, shared by TCP and UDP of one port', async () => {
  const { create, held } = await cluster();
  const nodePort = (port: number): ServiceSpec => ({ type: 'NodePort', ports: [{ port: 80, nodePort: port }] });
  expect(await message(create('low', nodePort(80)))).toContain(
    'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
  );
  await create('one', nodePort(30123));
  expect(await message(create('two', nodePort(30123)))).toContain(
    'spec.ports[0].nodePort: Invalid value: 30123: provided port is already allocated',
  );
  const both = await create('dns', {
    type: 'NodePort',
    ports: [
      { name: 't', port: 53, protocol: 'TCP' },
      { name: 'u', port: 53, protocol: 'UDP' },
    ],
  });
  const [tcp, udp] = both.spec.ports!;
  expect(tcp!.nodePort).toBe(udp!.nodePort);
  expect(await held(nodePorts)).toHaveLength(2);
  const bare = await create('bare', {
    type: 'LoadBalancer',
    allocateLoadBalancerNodePorts: false,
    ports: [{ port: 1 }],
  });
  expect(bare.spec.ports![0]!.nodePort).toBeUndefined();
});

test('a requested health check port that is taken is an internal error', async () => {
  const { create } = await cluster();
  const spec: ServiceSpec = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31000,
    ports: [{ port: 80 }],
  };
  await create('one', structuredClone(spec));
  expect(await message(create('two', structuredClone(spec)))).toBe(
    '500 Internal error occurred: failed to allocate requested HealthCheck NodePort 31000: provided port is already allocated',
  );
});

test('dual stack: prefer, require, upgrade, downgrade', async () => {
  const { create, update, held } = await cluster();
  const prefer = await create('prefer', { ...port80(), ipFamilyPolicy: 'PreferDualStack' });
  expect(prefer.spec.ipFamilies).toEqual(['IPv4', 'IPv6']);
  expect(prefer.spec.clusterIPs![1]).toMatch(/^fd00:96::/);
  const single = await create('single', port80());
  const upgraded = await update('single', ({ spec }) => (spec.ipFamilyPolicy = 'PreferDualStack'));
  expect(upgraded.spec.clusterIPs![0]).toBe(single.spec.clusterIP);
  expect(upgraded.spec.clusterIPs).toHaveLength(2);
  const down = await update('prefer', ({ spec }) => (spec.ipFamilyPolicy = 'SingleStack'));
  expect(down.spec).toMatchObject({ clusterIPs: [prefer.spec.clusterIP], ipFamilies: ['IPv4'] });
  expect(await held(addresses)).toHaveLength(4);
  expect(await message(update('single', ({ spec }) => (spec.ipFamilies = ['IPv4'])))).toContain(
    'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be \'SingleStack\' to release the secondary IP family',
  );
});

test('a single-stack cluster: headless without selector names both families, RequireDualStack is refused', async () => {
  const { create } = await cluster({ serviceCIDRs: ['10.96.0.0/16'] });
  const headless = await create('h', { ...port80(), clusterIP: 'None' });
  expect(headless.spec).toMatchObject({
    clusterIPs: ['None'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'RequireDualStack',
  });
  expect(await message(create('r', { ...port80(), ipFamilyPolicy: 'RequireDualStack' }))).toContain(
    'this cluster is not configured for dual-stack services',
  );
  expect(await message(create('six', { ...port80(), ipFamilies: ['IPv6'] }))).toContain(
    'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
  );
});

test("the cluster's own objects", async () => {
  const { storage } = await cluster({ advertise: { address: '172.30.0.1', port: 6443 } });
  const read = async (key: string) => JSON.parse((await storage.get(`/registry/${key}`)).item!.value);
  expect((await read('networking.k8s.io/servicecidrs/kubernetes')).spec.cidrs).toEqual([
    '10.96.0.0/16',
    'fd00:96::/112',
  ]);
  expect((await read('core/services/default/kubernetes')).spec).toMatchObject({
    clusterIP: '10.96.0.1',
    ipFamilyPolicy: 'SingleStack',
    ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
  });
  expect((await read('core/endpoints/default/kubernetes')).subsets).toEqual([
    { addresses: [{ ip: '172.30.0.1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
  ]);
  expect(await read('discovery.k8s.io/endpointslices/default/kubernetes')).toMatchObject({
    metadata: { labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    endpoints: [{ addresses: ['172.30.0.1'], conditions: { ready: true } }],
  });
});

test('the API servers of a cluster are those that renew their keys, though their clocks differ', async () => {
  const storage = new MemoryStorage();
  const server = (address: string, clock: FakeClock) => {
    const options = { storage, clock, random: new FakeRandom(7), serviceCIDRs: ['10.96.0.0/16'] };
    return new ServiceHooks({ ...options, advertise: { address, port: 6443 } });
  };
  const clocks = [new FakeClock(), new FakeClock()] as const;
  clocks[1].step(-3_600_000);
  const [a, b] = [server('172.30.0.1', clocks[0]), server('172.30.0.2', clocks[1])];
  const pass = (seconds: number) => {
    for (const clock of clocks) clock.advance(seconds * 1000);
  };
  const listed = async () => {
    const { item } = await storage.get('/registry/discovery.k8s.io/endpointslices/default/kubernetes');
    return (JSON.parse(item!.value) as EndpointSlice).endpoints?.flatMap(({ addresses }) => addresses);
  };
  await a.prepare();
  await b.prepare();
  await a.prepare();
  await b.prepare();
  for (let turn = 0; turn < 3; turn++) {
    pass(10);
    await b.prepare();
    await a.prepare();
    expect(await listed()).toEqual(['172.30.0.1', '172.30.0.2']);
  }
  pass(31);
  await a.prepare();
  expect(await listed()).toEqual(['172.30.0.1']);
});

test('a changed Service that names a node port twice for one protocol fails without a reason', async () => {
  const { create, update } = await cluster();
  await create('s', { type: 'NodePort', ports: [{ name: 'a', port: 80, nodePort: 30001 }] });
  const change = (protocol: string) =>
    update('s', ({ spec }) => spec.ports?.push({ name: 'b', port: 81, nodePort: 30001, protocol }));
  await expect(change('TCP')).rejects.toMatchObject({
    status: { code: 500, message: 'duplicate nodePort: {TCP 30001}' },
  });
  expect((await change('UDP')).spec.ports).toHaveLength(2);
});

test('deleting a Service takes its Endpoints along', async () => {
  const { create, remove, storage } = await cluster();
  await create('s', port80());
  const key = '/registry/core/endpoints/demo/s';
  await storage.transact({ compare: [], operations: [{ type: 'put', key, value: '{}' }] });
  await remove('s');
  expect((await storage.get(key)).item).toBeUndefined();
});

test('ranges that make no sense are refused with a text', () => {
  const make =
    (...serviceCIDRs: string[]) =>
    () =>
      new ServiceHooks({
        storage: new MemoryStorage(),
        clock: new FakeClock(),
        random: new FakeRandom(),
        serviceCIDRs,
      });
  expect(make('10.96.0.0')).toThrow('is no range of addresses');
  expect(make('10.96.0.0/16', '10.97.0.0/16')).toThrow('one of each IP family');
  expect(make('fd00::/48')).toThrow('too large');
});

test('a further ServiceCIDR gives addresses when the first is full, and none while it goes or is not ready', async () => {
  const { create, remove, storage } = await cluster({ serviceCIDRs: ['10.0.0.0/29'] });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const next = async (name: string) => {
    const given = await message(create(name, port80()).then(({ spec }) => Promise.reject(new Error(spec.clusterIP))));
    await turn();
    return given;
  };
  for (let i = 0; i < 5; i++) await next(`s${i}`);
  const put = async (status: object, metadata: object = {}) => {
    const cidr = {
      kind: 'ServiceCIDR',
      metadata: { name: 'more', ...metadata },
      spec: { cidrs: ['10.1.0.0/24'] },
      status,
    };
    const key = '/registry/networking.k8s.io/servicecidrs/more';
    await storage.transact({ compare: [], operations: [{ type: 'put', key, value: JSON.stringify(cidr) }] });
    await turn();
  };
  const ready = (value: string) => ({ conditions: [{ type: 'Ready', status: value }] });
  await put(ready('False'));
  expect(await next('a')).toContain('range is full');
  await put(ready('True'));
  expect(await next('b')).toMatch(/^Error: 10\.1\.0\./);
  await put(ready('True'), { deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(await next('c')).toContain('range is full');
  await remove('s0');
  await turn();
  expect(await next('d')).toMatch(/^Error: 10\.0\.0\./);
});
