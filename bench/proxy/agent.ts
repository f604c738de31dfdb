// Runs in a network namespace: a proxier over so many Services, whose objects come as informers give them. Prints its memory,
// how long a storm of changes takes to settle, what it costs while nothing happens, and how soon edits by others are repaired,
// as JSON.
import { execFileSync } from 'node:child_process';
import type { GroupVersionResource, KubeObject } from '../../src/apimachinery/object.ts';
import type { Informer, InformerHandler, Informers } from '../../src/client/types.ts';
import { NftEventReader } from '../../src/nftables/events.ts';
import { netlinkListener } from '../../src/proxy/monitor.ts';
import { NftablesBackend } from '../../src/proxy/nftables/backend.ts';
import { Proxier } from '../../src/proxy/proxier.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFollow } from '../../src/system/real/follow.ts';
import { clusterIP, service, settingsOf, slice } from './objects.ts';

export interface Agent {
  /** Bytes of the process with all rules in the kernel, and of the programs it keeps. */
  readonly memory: number;
  readonly programs: number;
  /** Milliseconds from the first of 1,000 changes, spread over a second, until the last was in the kernel. */
  readonly storm: number;
  /** Share of a core over some seconds without changes. */
  readonly idle: number;
  /** Milliseconds until an element of the map of cluster IPs, and of that of endpoints, is back that someone else deleted. */
  readonly repairs: readonly [services: number, endpoints: number];
}

/** Informers whose handlers are told by hand; their cache is what the proxier holds. */
class HandInformers implements Informers {
  readonly handlers = new Map<string, InformerHandler<KubeObject>>();

  informer<T extends KubeObject>({ resource }: GroupVersionResource): Informer<T> {
    return {
      lister: { get: () => undefined, list: () => [] } as never,
      hasSynced: true,
      synced: async () => {},
      addHandler: (handler) => void this.handlers.set(resource, handler as InformerHandler<KubeObject>),
      run: async () => {},
    };
  }

  follow(): never {
    throw new Error('the proxy follows whole objects');
  }

  forget(): void {}

  async run(): Promise<void> {}
}

/** Resident bytes of the processes that this one has started. */
function programs(): number {
  const list = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'rss='], { encoding: 'utf8' });
  return list.split('\n').reduce((sum, line) => sum + Number(line) * 1024, 0);
}

const [services = 0, endpoints = 0] = process.argv.slice(2).map(Number);
const informers = new HandInformers();
const stop = new AbortController();
let synced: () => void = () => {};
const proxier: Proxier = new Proxier({
  settings: settingsOf('nftables'),
  nodeName: 'node-a',
  families: ['IPv4'],
  informers,
  clock: realClock,
  backend: new NftablesBackend({ exec: realExec, clock: realClock, follow: realFollow }),
  onSynced: () => synced(),
});
const running = proxier.run(stop.signal);

/** Resolves when everything is in the kernel. */
async function settled(): Promise<void> {
  while (proxier.view.hasChanges || proxier.written.lastSync < proxier.status.lastQueued) {
    const { promise, resolve } = Promise.withResolvers<void>();
    synced = resolve;
    await Promise.race([promise, realClock.sleep(50)]);
  }
}

const told = (resource: string) => informers.handlers.get(resource)!;
for (let i = 0; i < services; i += 1) {
  told('services').added?.(service(i));
  told('endpointslices').added?.(slice(i, endpoints));
}
const addresses = [{ type: 'InternalIP', address: '172.18.0.2' }];
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' }, spec: {}, status: { addresses } };
told('nodes').added?.(node);
await settled();

const start = performance.now();
for (let i = 0; i < 1000; i += 1) {
  told('endpointslices').updated?.(slice((i * 7919) % services, endpoints + 1), slice(i, 0));
  const early = start + i + 1 - performance.now();
  if (early > 0) await realClock.sleep(early);
}
await settled();
const storm = performance.now() - start;

await realClock.sleep(5000);
const before = process.cpuUsage();
await realClock.sleep(5000);
const { user, system } = process.cpuUsage(before);
globalThis.gc?.();
const memory = { memory: process.memoryUsage.rss(), programs: programs() };

/** Resolves when the kernel tells that an element came to the set. (`nft get` would read the whole of the set first.) */
async function comes(set: string, signal: AbortSignal): Promise<void> {
  const reader = new NftEventReader();
  for await (const piece of realFollow.bytes(netlinkListener, signal)) {
    const events = [...reader.read(piece)];
    if (events.some((event) => event.kind === 'element' && event.verb === 'add' && event.set === set)) return;
  }
}

/** Milliseconds until the element is back that is deleted now. */
async function repair(map: string, key: string): Promise<number> {
  const listening = new AbortController();
  const back = comes(map, listening.signal);
  await realClock.sleep(1000);
  const start = performance.now();
  const { code } = await realExec.run(['nft', 'delete', 'element', 'ip', 'portico-proxy', map, `{ ${key} }`]);
  if (code !== 0) throw new Error(`there is no element ${key} in ${map}`);
  await back;
  listening.abort();
  return performance.now() - start;
}

const last = `${clusterIP(services - 1)} . tcp . 80`;
const serviceBack = await repair('services', last);
// Then all of it is compared.
await realClock.sleep(5000);
const repairs = [serviceBack, await repair('endpoints-16', `${last} . 0`)] as const;
const figures: Agent = { ...memory, storm, idle: (user + system) / 5e6, repairs };
stop.abort();
await running;
process.stdout.write(JSON.stringify(figures));
