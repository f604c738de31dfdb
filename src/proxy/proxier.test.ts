import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { settle } from '../client/fake/settle.ts';
import { createInformers } from '../client/informers.ts';
import { endpointSlices, nodes, services } from '../client/resources.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { endpoint, service, settings, slice } from './fixtures/objects.ts';
import { RecordingBackend } from './fixtures/recording-backend.ts';
import { Proxier } from './proxier.ts';

const node = (zone: string, address = '172.18.0.2'): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-a', labels: { 'topology.kubernetes.io/zone': zone } },
  spec: {},
  status: { addresses: [{ type: 'InternalIP', address }] },
});

let clock: FakeClock;
let api: FakeApi;
let backend: RecordingBackend;
let stop: AbortController;
let done: Promise<unknown>;
let log: string[];

beforeEach(() => {
  clock = new FakeClock();
  api = new FakeApi({ clock, random: new FakeRandom() });
  backend = new RecordingBackend();
  stop = new AbortController();
  log = [];
  const informers = createInformers(api, { clock, random: new FakeRandom(), freeze: true });
  const proxier = new Proxier({
    settings,
    nodeName: 'node-a',
    backend,
    informers,
    clock,
    families: ['IPv4'],
    log: (message) => log.push(message),
  });
  done = Promise.all([proxier.run(stop.signal), informers.run(stop.signal)]);
});

afterEach(async () => {
  stop.abort();
  await done;
});

const put = {
  node: (object: Node) => api.resource<Node>(nodes).create(object),
  service: (object: Service) => api.resource<Service>(services).create(object),
  slice: (object: EndpointSlice) => api.resource<EndpointSlice>(endpointSlices).create(object),
  sliceAgain: (object: EndpointSlice) => api.resource<EndpointSlice>(endpointSlices).update(object),
};

async function running(): Promise<void> {
  await put.service(service({ name: 'web' }));
  await put.slice(slice('web', [endpoint('10.244.1.1', 'node-a')]));
  await put.node(node('zone-1'));
  await settle();
  backend.syncs.length = 0;
  log.length = 0;
}

const twoEndpoints = slice('web', [endpoint('10.244.1.1', 'node-a'), endpoint('10.244.2.1', 'node-b')]);

describe('the proxier', () => {
  test('writes nothing before it knows its node, then all at once', async () => {
    await put.service(service({ name: 'web' }));
    await put.slice(slice('web', [endpoint('10.244.1.1', 'node-a')]));
    await settle();
    expect(backend.syncs).toEqual([]);
    await put.node(node('zone-1'));
    await settle();
    expect(backend.syncs).toEqual(['full [["IPv4 demo/web:http/tcp",1]]']);
  });

  test('follows a change at once, and a Service that goes', async () => {
    await running();
    await put.sliceAgain(twoEndpoints);
    await settle();
    expect(backend.syncs).toEqual(['partial [["IPv4 demo/web:http/tcp",2]]']);
    await api.resource<Service>(services).delete('web', 'demo');
    await settle();
    expect(backend.syncs.at(-1)).toBe('partial []');
  });

  test('takes what comes during a sync together into the next', async () => {
    await running();
    backend.gate = Promise.withResolvers();
    await put.sliceAgain(twoEndpoints);
    await settle();
    await put.sliceAgain(slice('web', []));
    await settle();
    await put.service(service({ name: 'other', clusterIP: '10.96.0.11' }));
    await settle();
    expect(backend.syncs).toHaveLength(1);
    backend.gate.resolve();
    backend.gate = undefined;
    await settle();
    expect(backend.syncs).toHaveLength(2);
    expect(backend.syncs[1]).toBe('partial [["IPv4 demo/web:http/tcp",0],["IPv4 demo/other:http/tcp",0]]');
  });

  test('does not wait for the time of the day to come again when that is set back', async () => {
    await running();
    backend.gate = Promise.withResolvers();
    await put.sliceAgain(twoEndpoints);
    await settle();
    clock.step(-3_600_000);
    backend.gate.resolve();
    await settle();
    clock.advance(1000);
    await put.sliceAgain(slice('web', []));
    await settle();
    expect(backend.syncs.at(-1)).toBe('partial [["IPv4 demo/web:http/tcp",0]]');
  });

  test('writes all of it when a change is refused, and tries that again later and later', async () => {
    await running();
    backend.failures = 3;
    await put.sliceAgain(twoEndpoints);
    await settle();
    const full = 'full [["IPv4 demo/web:http/tcp",2]]';
    expect(backend.syncs).toEqual([full.replace('full', 'partial'), full]);
    expect(log).toEqual(['sync failed: refused', 'sync failed: refused']);
    await clock.advance(30_000);
    await settle();
    await clock.advance(30_000);
    await settle();
    expect(backend.syncs.slice(2)).toEqual([full, full]);
  });

  test('plans later what a sync that ended early left unplanned', async () => {
    await running();
    backend.earlyFailures = 1;
    await put.sliceAgain(twoEndpoints);
    await settle();
    expect(backend.syncs).toEqual(['full [["IPv4 demo/web:http/tcp",2]]']);
    expect(log).toEqual(['sync failed: ended early']);
  });

  test('writes all of it when the rules were removed, and nothing when they are there', async () => {
    await running();
    backend.removed();
    await settle();
    expect(backend.syncs).toEqual([]);
    backend.is = 'broken';
    backend.removed();
    await settle();
    expect(backend.syncs).toEqual(['full [["IPv4 demo/web:http/tcp",1]]']);
  });

  test('looks for its rules from time to time', async () => {
    await running();
    backend.is = 'broken';
    await clock.advance(30_000);
    await settle();
    expect(backend.syncs).toHaveLength(1);
  });

  test('plans anew when the zone of the node changes', async () => {
    await running();
    const hinted = (address: string, zone: string) =>
      endpoint(address, 'node-b', { hints: { forZones: [{ name: zone }] } });
    await put.sliceAgain(
      slice('web', [hinted('10.244.2.1', 'zone-1'), hinted('10.244.2.2', 'zone-2'), hinted('10.244.2.3', 'zone-2')]),
    );
    await settle();
    expect(backend.syncs.at(-1)).toContain('",1]]');
    await api.resource<Node>(nodes).update(node('zone-2'));
    await settle();
    expect(backend.syncs.at(-1)).toContain('",2]]');
  });
});
