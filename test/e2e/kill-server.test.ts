// kill -9 of the control plane in the middle of a thousand writes at once: each is there whole, or not at all.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Service } from '../../src/api/core/v1/types.generated.ts';
import type { IPAddress } from '../../src/api/networking/v1/types.generated.ts';
import { startPortico } from '../fixtures/portico-process.ts';
import { connectApi, type NamedObject } from './api.ts';
import { eventually } from './portico.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-kill-'));
const tokens = join(folder, 'tokens.csv');
writeFileSync(tokens, 'killed,tester,1,"system:masters"\n');
afterAll(() => rmSync(folder, { recursive: true }));

const services = '/api/v1/namespaces/default/services';

/** A data folder of a try's own. */
const newData = () => mkdtempSync(join(folder, 'data-'));

async function start(data: string) {
  const flags = ['--data-dir', data, '--listen', '127.0.0.1:0', '--token-auth-file', tokens];
  const server = await startPortico(['server', ...flags, '--controllers', '-*'], /ready on (https:\/\/[^ ,]+)/);
  return { server, api: connectApi(server.ready, 'killed') };
}

async function itemsOf<T>(api: ReturnType<typeof connectApi>, path: string): Promise<readonly T[]> {
  return (await api.send<{ readonly items: readonly T[] }>('GET', path)).body.items;
}

test('Services with their addresses and node ports: every acknowledged one, no half ones, three times over', async () => {
  const data = newData();
  const acknowledged = new Map<string, string>();
  const deleted = new Set<string>();
  const statuses = new Set<number>();
  for (let round = 0; round < 3; round++) {
    const { server, api } = await start(data);
    const exited = once(server.child, 'exit');
    let answers = 0;
    const counted = () => {
      answers += 1;
      if (answers === 150) server.child.kill('SIGKILL');
    };
    // Some of an earlier round go at the same time.
    const victims = [...acknowledged.keys()].slice(0, 60);
    const deletions = victims.map(async (name) => {
      acknowledged.delete(name);
      const { status } = await api.send('DELETE', `${services}/${name}`);
      statuses.add(status);
      deleted.add(name);
      counted();
    });
    const writes = Array.from({ length: 900 }, async (_, i) => {
      const name = `s-${round}-${i}`;
      const spec = { type: 'NodePort', ports: [{ port: 80 }] };
      const { status, body } = await api.send<Service & NamedObject>('POST', services, { metadata: { name }, spec });
      statuses.add(status);
      acknowledged.set(name, body.spec?.clusterIP ?? '');
      counted();
    });
    // What breaks off has an unknown fate.
    await Promise.allSettled([...writes, ...deletions]);
    await exited;
    api.close();
  }

  expect([...statuses].sort()).toEqual([200, 201]);

  const { server, api } = await start(data);
  try {
    const present = await itemsOf<Service>(api, services);
    const addresses = new Map(present.map(({ metadata, spec }) => [metadata.name, spec?.clusterIP]));
    for (const [name, address] of acknowledged) expect(addresses.get(name), name).toBe(address);
    expect([...deleted].filter((name) => addresses.has(name))).toEqual([]);
    // Each Service has the object of its address, each such object its Service, and no port is anybody's twice.
    const held = await itemsOf<IPAddress>(api, '/apis/networking.k8s.io/v1/ipaddresses');
    const owners = new Map(held.map(({ metadata, spec }) => [metadata.name, spec?.parentRef?.name]));
    for (const [name, address] of addresses) expect(owners.get(address ?? ''), name).toBe(name);
    for (const name of owners.values()) expect(addresses.has(name ?? ''), name).toBe(true);
    const ports = present.flatMap(({ spec }) => spec?.ports?.map((port) => port.nodePort) ?? []).filter(Boolean);
    expect(new Set(ports).size).toBe(ports.length);
    const free = { metadata: { name: 'after' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
    expect((await api.send('POST', services, free)).status).toBe(201);
  } finally {
    api.close();
    await server.stop();
  }
});

test('what was before the end is still known after it, and what nobody had time to write down', async () => {
  const data = newData();
  const first = await start(data);
  const past = async (api: typeof first.api, at: string) => {
    const { body } = await api.send<{ readonly objects: readonly NamedObject[] }>(
      'GET',
      `/portico/v1/history?at=${at}`,
    );
    return body.objects.some(({ metadata }) => metadata.name === 'short-lived');
  };
  expect(await past(first.api, '')).toBe(false);
  const spec = { clusterIP: 'None', ports: [{ port: 80 }] };
  const { body } = await first.api.send<NamedObject>('POST', services, { metadata: { name: 'short-lived' }, spec });
  const revision = body.metadata.resourceVersion ?? '';
  const record = join(data, 'history.jsonl');
  await eventually('the record of the new Service', async () => {
    return existsSync(record) && readFileSync(record, 'utf8').includes('short-lived') ? true : undefined;
  });
  await first.api.send('DELETE', `${services}/short-lived`);
  const exited = once(first.server.child, 'exit');
  first.server.child.kill('SIGKILL');
  await exited;
  first.api.close();

  const { server, api } = await start(data);
  try {
    expect([await past(api, revision), await past(api, String(Number(revision) - 1)), await past(api, '')]).toEqual([
      true,
      false,
      false,
    ]);
  } finally {
    api.close();
    await server.stop();
  }
});
