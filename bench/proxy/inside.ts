// Runs in a network namespace: fills a table of so many Services, changes single endpoints, prints the figures as JSON.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderTransaction } from '../../src/nftables/render.ts';
import { NftablesBackend } from '../../src/proxy/nftables/backend.ts';
import { NftablesState } from '../../src/proxy/nftables/state.ts';
import { ownerOf } from '../../src/proxy/owner.ts';
import { ServiceView } from '../../src/proxy/service-view.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFollow } from '../../src/system/real/follow.ts';
import { ipv4ConfigOf, node, service, slice } from './objects.ts';
import type { Figures } from './proxy.ts';

const [services = 0, endpoints = 0] = process.argv.slice(2).map(Number);
const rounds = 100;

const config = ipv4ConfigOf('nftables');

const view = new ServiceView();
for (let i = 0; i < services; i += 1) {
  view.setService(service(i));
  view.setSlice(slice(i, endpoints));
}
const names = view.takeChanged();

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function nft(...args: string[]): Promise<void> {
  const { code, stderr } = await realExec.run(['nft', ...args]);
  if (code !== 0) throw new Error(stderr);
}

// The bare limit first, in a namespace where nothing else is and nobody listens.
const state = new NftablesState(config);
for (const name of names) for (const p of view.plans(name, 'IPv4', node)) state.set(ownerOf(p.servicePort), p);
const folder = mkdtempSync(join(tmpdir(), 'portico-bench-'));
const file = join(folder, 'script.nft');
writeFileSync(file, renderTransaction(state.takeAll()));
const bareFullSync = await timed(() => nft('-f', file));
rmSync(folder, { recursive: true });
const bareChanges: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const verb = round % 2 === 0 ? 'add' : 'delete';
  bareChanges.push(await timed(() => nft(verb, 'element', 'ip', 'portico-proxy', 'cluster-ips', '{ 10.95.0.1 }')));
}
await nft('flush', 'ruleset');

const stop = new AbortController();
const backend = new NftablesBackend({ exec: realExec, clock: realClock, follow: realFollow });
backend.configure([config]);
const watching = backend.watch(() => {}, stop.signal);
/** In steps, as the proxier does it. */
function* planning(changed: readonly string[]): Iterable<void> {
  for (const [i, name] of changed.entries()) {
    for (const p of view.plans(name, 'IPv4', node)) backend.set('IPv4', ownerOf(p.servicePort), p);
    if (i % 500 === 499) yield;
  }
}

const fullSync = await timed(() => backend.sync({ full: true, planning: planning(names) }));

const changes: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const i = (round * 7919) % services;
  for (const count of [endpoints + 1, endpoints]) {
    view.setSlice(slice(i, count));
    changes.push(await timed(() => backend.sync({ full: false, planning: planning(view.takeChanged()) })));
  }
}

stop.abort();
await watching;
const figures: Figures = { fullSync, bareFullSync, changes, bareChanges };
process.stdout.write(JSON.stringify(figures));
