// The proxy beside an API server that it does not own: what it waits for, and what an outage changes.
import { afterEach, describe, expect, test } from 'vitest';
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import type { ServiceCIDR } from '../api/networking/v1/types.generated.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { settle } from '../client/fake/settle.ts';
import { createInformers } from '../client/informers.ts';
import { endpointSlices, nodes, serviceCIDRs, services } from '../client/resources.ts';
import type { Client, ResourceClient } from '../client/types.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { endpoint, service, settings, slice } from './fixtures/objects.ts';
import { RecordingBackend } from './fixtures/recording-backend.ts';
import { Proxier, type ProxierOptions } from './proxier.ts';

const hour = 3_600_000;

/** An API server that can go away; it notes the verbs that reach it. */
class FarApi implements Client {
  readonly api: FakeApi;
  readonly asked = new Set<string>();
  #up = true;

  constructor(api: FakeApi) {
    this.api = api;
  }

  goDown(): void {
    this.#up = false;
    this.api.hub.breakWatches();
  }

  comeBack(): void {
    this.#up = true;
  }

  #reach(verb: string, { resource }: GroupVersionResource): void {
    this.asked.add(`${verb} ${resource}`);
    if (!this.#up) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  }

  resource<T extends KubeObject>(resource: GroupVersionResource): ResourceClient<T> {
    const inner = this.api.resource<T>(resource);
    const refuse = (verb: string) => async () => {
      this.asked.add(`${verb} ${resource.resource}`);
      throw new Error(`${verb} is not for proxies`);
    };
    return {
      list: async (options) => {
        this.#reach('list', resource);
        return inner.list(options);
      },
      watch: (options) => {
        this.#reach('watch', resource);
        return inner.watch(options);
      },
      get: refuse('get'),
      create: refuse('create'),
      update: refuse('update'),
      patch: refuse('patch'),
      delete: refuse('delete'),
    };
  }

  raw(): never {
    throw new Error('only lists and watches are for proxies');
  }
}

const started: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});

function start(options: Partial<ProxierOptions> = {}) {
  const clock = new FakeClock();
  const api = new FakeApi({ clock, random: new FakeRandom() });
  const far = new FarApi(api);
  const backend = new RecordingBackend();
  const log: string[] = [];
  const stop = new AbortController();
  const informers = createInformers(far, { clock, random: new FakeRandom(), freeze: true });
  const proxier = new Proxier({
    settings,
    nodeName: 'node-a',
    backend,
    informers,
    clock,
    families: ['IPv4'],
    log: (message) => log.push(message),
    ...options,
  });
  const done = Promise.all([proxier.run(stop.signal), informers.run(stop.signal)]);
  started.push(async () => {
    stop.abort();
    await done;
  });
  return { clock, api, far, backend, log, proxier };
}

type Started = ReturnType<typeof start>;

const node = (more: Partial<Node> = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-a' },
  spec: {},
  status: { addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] },
  ...more,
});

async function fill({ api }: Started, object = node()): Promise<void> {
  await api.resource<Service>(services).create(service({ name: 'web' }));
  await api.resource<EndpointSlice>(endpointSlices).create(slice('web', [endpoint('10.244.1.1', 'node-a')]));
  await api.resource<Node>(nodes).create(object);
  await settle();
}

/** Lets time pass in steps, as timers are set anew on the way. */
async function pass({ clock }: Started, milliseconds: number, step = 60_000): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += step) {
    await clock.advance(step);
    await settle(5);
  }
  await settle();
}

const setSlice = ({ api }: Started, ...addresses: string[]) =>
  api.resource<EndpointSlice>(endpointSlices).update(
    slice(
      'web',
      addresses.map((address) => endpoint(address, 'node-a')),
    ),
  );

describe('an API server that goes away', () => {
  test('for hours changes nothing; what changed meanwhile is taken in at once when it is back', async () => {
    const proxy = start();
    await fill(proxy);
    const rules = [...proxy.backend.wanted];
    proxy.far.goDown();
    await pass(proxy, 5 * hour);
    expect([...proxy.backend.wanted]).toEqual(rules);
    // Nothing but the full sync of each hour was written, and that with the same rules.
    expect(new Set(proxy.backend.syncs)).toEqual(new Set([proxy.backend.syncs[0]]));
    expect(proxy.proxier.status.healthy).toBe(true);
    await setSlice(proxy, '10.244.1.1', '10.244.1.2');
    await proxy.api.resource<Service>(services).create(service({ name: 'new', clusterIP: '10.96.0.11' }));
    proxy.far.comeBack();
    await pass(proxy, 30_000, 10_000);
    expect([...proxy.backend.wanted]).toEqual([
      ['IPv4 demo/web:http/tcp', 2],
      ['IPv4 demo/new:http/tcp', 0],
    ]);
  });

  test('and has forgotten what was changed (410) is listed anew, and only what differs is written', async () => {
    const proxy = start();
    await fill(proxy);
    await proxy.api.resource<Service>(services).create(service({ name: 'old', clusterIP: '10.96.0.12' }));
    await settle();
    proxy.backend.syncs.length = 0;
    proxy.far.goDown();
    await proxy.api.resource<Service>(services).delete('old', 'demo');
    proxy.api.hub.compact();
    proxy.far.comeBack();
    await pass(proxy, 30_000, 10_000);
    expect(proxy.backend.syncs).toEqual(['partial [["IPv4 demo/web:http/tcp",1]]']);
  });

  test('and comes back with the same objects is no reason to write', async () => {
    const proxy = start();
    await fill(proxy);
    proxy.backend.syncs.length = 0;
    proxy.far.goDown();
    proxy.api.hub.compact();
    proxy.far.comeBack();
    await pass(proxy, 20_000, 10_000);
    expect(proxy.backend.syncs).toEqual([]);
  });

  test('while the proxy starts leaves the rules of its predecessor alone until everything is known', async () => {
    const proxy = start();
    proxy.far.goDown();
    await fill(proxy);
    await pass(proxy, hour);
    expect(proxy.backend.syncs).toEqual([]);
    proxy.far.comeBack();
    await pass(proxy, 60_000, 10_000);
    expect(proxy.backend.syncs).toEqual(['full [["IPv4 demo/web:http/tcp",1]]']);
  });

  test('is asked for lists and watches of four kinds, and for nothing else', async () => {
    const proxy = start({ followServiceCIDRs: true });
    await fill(proxy);
    expect([...proxy.far.asked].sort()).toEqual(
      ['list', 'watch'].flatMap((verb) =>
        ['endpointslices', 'nodes', 'servicecidrs', 'services'].map((resource) => `${verb} ${resource}`),
      ),
    );
  });
});

describe('the node', () => {
  const nodeCIDR = { settings: { ...settings, detectLocal: { mode: 'NodeCIDR' } } } as const;
  const withPodCIDR = (cidr: string) => node({ spec: { podCIDR: cidr, podCIDRs: [cidr, 'fd00:1::/64'] } });
  const detector = ({ backend }: Started) => backend.configs[0]?.localDetector;

  test('is waited for with a word about it', async () => {
    const proxy = start();
    await settle();
    expect(proxy.log).toEqual(['there is no node "node-a" yet: waiting for it']);
  });

  test('is waited for until it has a podCIDR, where pods are told apart by it', async () => {
    const proxy = start(nodeCIDR);
    await fill(proxy);
    expect(proxy.backend.syncs).toEqual([]);
    expect(proxy.log.at(-1)).toBe('node "node-a" has no podCIDR yet: waiting for it');
    await proxy.api.resource<Node>(nodes).update(withPodCIDR('10.244.7.0/24'));
    await settle();
    expect(proxy.backend.syncs).toHaveLength(1);
    expect(detector(proxy)).toEqual({ kind: 'cidr', cidr: '10.244.7.0/24' });
  });

  test('that gets another podCIDR or address has all rules written anew', async () => {
    const proxy = start(nodeCIDR);
    await fill(proxy, withPodCIDR('10.244.7.0/24'));
    await proxy.api.resource<Node>(nodes).update(withPodCIDR('10.244.8.0/24'));
    await settle();
    expect(detector(proxy)).toEqual({ kind: 'cidr', cidr: '10.244.8.0/24' });
    const moved = withPodCIDR('10.244.8.0/24');
    await proxy.api
      .resource<Node>(nodes)
      .update(
        { ...moved, status: { addresses: [{ type: 'InternalIP', address: '172.18.0.9' }] } },
        { subresource: 'status' },
      );
    await settle();
    expect(proxy.backend.configs[0]?.nodePortAddresses).toEqual(['172.18.0.9']);
    expect(proxy.backend.syncs.map((sync) => sync.split(' ')[0])).toEqual(['full', 'full', 'full']);
  });

  test('that says nothing new is no reason to write', async () => {
    const proxy = start();
    await fill(proxy);
    const heartbeat = { ...node().status, conditions: [{ type: 'Ready', status: 'True' }] };
    await proxy.api.resource<Node>(nodes).update(node({ status: heartbeat }), { subresource: 'status' });
    await settle();
    expect(proxy.backend.syncs).toHaveLength(1);
  });

  test('that is deleted keeps its rules', async () => {
    const proxy = start();
    await fill(proxy);
    await proxy.api.resource<Node>(nodes).delete('node-a');
    await pass(proxy, hour);
    expect([...proxy.backend.wanted]).toEqual([['IPv4 demo/web:http/tcp', 1]]);
  });
});

describe('what is not in the objects', () => {
  test('addresses of interfaces are looked at again with the rules', async () => {
    let present = ['10.1.0.5', '172.18.0.2', '10.2.0.5'];
    const proxy = start({
      settings: { ...settings, nodePortAddresses: ['10.0.0.0/8'] },
      interfaceAddresses: async () => present,
    });
    await fill(proxy);
    const addresses = () => proxy.backend.configs[0]?.nodePortAddresses;
    expect(addresses()).toEqual(['10.1.0.5', '10.2.0.5']);
    present = ['10.3.0.5'];
    await pass(proxy, 60_000, 30_000);
    expect(addresses()).toEqual(['10.3.0.5']);
  });

  test('ranges of cluster IPs come from the API where no flag names them', async () => {
    const proxy = start({ settings: { ...settings, serviceCIDRs: [] }, followServiceCIDRs: true });
    await fill(proxy);
    const ranges = () => proxy.backend.configs[0]?.serviceCIDRs;
    expect(ranges()).toEqual([]);
    const range = (name: string, ...cidrs: string[]): ServiceCIDR => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name },
      spec: { cidrs },
    });
    await proxy.api.resource<ServiceCIDR>(serviceCIDRs).create(range('kubernetes', '10.96.0.0/16', 'fd00:96::/112'));
    await proxy.api.resource<ServiceCIDR>(serviceCIDRs).create(range('more', '10.95.0.0/16'));
    await settle();
    expect(ranges()).toEqual(['10.95.0.0/16', '10.96.0.0/16']);
    await proxy.api.resource<ServiceCIDR>(serviceCIDRs).delete('more');
    await settle();
    expect(ranges()).toEqual(['10.96.0.0/16']);
  });

  test('external IPs lead nowhere where their gate is closed', async () => {
    const proxy = start({ settings: { ...settings, ignoreExternalIPs: true } });
    await fill(proxy);
    await proxy.api
      .resource<Service>(services)
      .create(service({ name: 'claims', clusterIP: '10.96.0.11', externalIPs: ['192.0.2.7'] }));
    await settle();
    expect([...proxy.proxier.plans()].map(({ servicePort }) => servicePort.externalIPs)).toEqual([[], []]);
  });

  test('a least time between syncs collects what comes within it', async () => {
    const proxy = start({ settings: { ...settings, minSyncPeriod: 1000 } });
    await fill(proxy);
    await pass(proxy, 2000, 1000);
    proxy.backend.syncs.length = 0;
    for (const address of ['10.244.1.2', '10.244.1.3', '10.244.1.4']) {
      await setSlice(proxy, '10.244.1.1', address);
      await settle();
    }
    await setSlice(proxy, '10.244.1.1', '10.244.1.2', '10.244.1.3');
    await settle();
    expect(proxy.backend.syncs).toHaveLength(1);
    await pass(proxy, 1000, 1000);
    expect(proxy.backend.syncs).toHaveLength(2);
    expect(proxy.backend.syncs[1]).toContain(',3]]');
  });
});
