import { afterEach, expect, test, vi } from 'vitest';
import type { Namespace, Pod } from '../api/core/v1/types.generated.ts';
import type { NetworkPolicy } from '../api/networking/v1/types.generated.ts';
import { FakeApi } from '../client/fake/fake-api.ts';
import { createInformers } from '../client/informers.ts';
import { namespaces, networkPolicies, pods } from '../client/resources.ts';
import type { Client } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import { FakeExec } from '../system/fake/exec.ts';
import type { Follow } from '../system/follow.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import { PolicyEnforcer } from './policy-enforcer.ts';

/** Calls again and again until it does not throw. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 100_000 });

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(answer?: ConstructorParameters<typeof FakeExec>[0], follow?: Follow) {
  const api = new FakeApi({ clock: realClock, random: realRandom });
  const asked: string[] = [];
  // Tells what is asked of the API beside policies.
  const client: Client = {
    resource: (resource) => {
      asked.push(resource.resource);
      return api.resource(resource);
    },
    raw: (request) => api.raw(request),
  };
  await api.resource<Namespace>(namespaces).create({ metadata: { name: 'demo' }, spec: {} });
  await api.resource<Pod>(pods).create({
    metadata: { name: 'web', namespace: 'demo', labels: { app: 'web' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running', podIPs: [{ ip: '10.244.1.2' }] },
  });
  const exec = new FakeExec(answer);
  const log: string[] = [];
  let ahead = 0;
  const clock: Clock = {
    now: () => realClock.now() + ahead,
    monotonic: () => realClock.monotonic() + ahead,
    sleep: (ms, signal) => realClock.sleep(ms, signal),
    after: (ms, callback) => realClock.after(ms, callback),
  };
  const advance = (ms: number) => {
    ahead += ms;
  };
  const informers = createInformers(api, { clock: realClock, random: realRandom, freeze: true });
  const enforcer = new PolicyEnforcer({
    client,
    informers,
    exec,
    clock,
    random: realRandom,
    nodeName: 'node-1',
    log: (line) => log.push(line),
    ...(follow && { follow }),
  });
  const over = new AbortController();
  const running = Promise.all([informers.run(over.signal), enforcer.run(over.signal)]);
  stops.push(async () => {
    over.abort();
    await running;
  });
  const scripts = () => exec.commands.map(({ input }) => input);
  return { api, asked, scripts, log, advance, policies: api.resource<NetworkPolicy>(networkPolicies) };
}

const policy: NetworkPolicy = { metadata: { name: 'none', namespace: 'demo' }, spec: { podSelector: {} } };

test('without policies, tables of an earlier run go, and pods are not looked at', async () => {
  const { asked, scripts } = await start();
  await eventually(() => expect(scripts()).toHaveLength(1));
  expect(scripts()[0]).toBe(
    ['ip', 'ip6']
      .map((f) => `add table ${f} portico-networkpolicy\ndelete table ${f} portico-networkpolicy\n`)
      .join(''),
  );
  expect(asked).toEqual([]);
});

test('a policy makes the table, a peer an element, and its end takes the table away', async () => {
  const { api, asked, scripts, policies } = await start();
  await eventually(() => expect(scripts()).toHaveLength(1));
  await policies.create({ ...policy, spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] } });
  await eventually(() => expect(scripts()).toHaveLength(2));
  expect(scripts()[1]).toContain('drop comment "demo/none"');
  expect(asked.sort()).toEqual(['namespaces', 'pods']);
  const friend: Pod = {
    metadata: { name: 'friend', namespace: 'demo' },
    spec: { nodeName: 'node-2', containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running', podIPs: [{ ip: '10.244.2.2' }] },
  };
  await api.resource<Pod>(pods).create(friend);
  await eventually(() => expect(scripts()).toHaveLength(3));
  expect(scripts()[2]).toMatch(/^add element ip portico-networkpolicy ingress-\w+-peers \{ 10\.244\.2\.2 \}\n$/);
  await policies.delete('none', 'demo');
  await eventually(() => expect(scripts()[3]).toBe('delete table ip portico-networkpolicy\n'));
});

test('a table that someone deletes is put back at once', async () => {
  const deleted = Promise.withResolvers<void>();
  const commands: string[] = [];
  const follow: Follow = {
    async *lines(command, signal) {
      commands.push(command.join(' '));
      await deleted.promise;
      yield* ['add table ip portico-networkpolicy', 'delete table ip portico-networkpolicy'];
      await realClock.sleep(100_000, signal);
    },
    bytes: () => {
      throw new Error('not here');
    },
    converse: () => {
      throw new Error('not here');
    },
  };
  const { scripts, policies } = await start(undefined, follow);
  const written = () => scripts().filter((script) => script.includes('drop'));
  await policies.create(policy);
  await eventually(() => expect(written()).toHaveLength(1));
  deleted.resolve();
  await eventually(() => expect(written()).toHaveLength(2));
  // nft 1.1.3 refuses `nft monitor destroy tables`.
  expect(commands).toEqual(['nft monitor tables']);
});

test('a look at the tables that fails does not end the watch over them', async () => {
  let failures = 1;
  const follow: Follow = {
    async *lines(_, signal) {
      yield 'delete table ip portico-networkpolicy';
      await realClock.sleep(100_000, signal);
    },
    bytes: () => {
      throw new Error('not here');
    },
    converse: () => {
      throw new Error('not here');
    },
  };
  const { scripts, policies } = await start(({ command }) => {
    if (command.includes('tables') && failures-- > 0) throw new Error('spawn nft EAGAIN');
    return {};
  }, follow);
  await policies.create(policy);
  // Once as the policy came, and again when the second watch told of the deletion.
  await eventually(() => expect(scripts().filter((script) => script.includes('drop'))).toHaveLength(2));
});

test('what the kernel refuses is told of, and all of it is written again', async () => {
  let refusals = 1;
  const { scripts, log, policies } = await start(({ input }) =>
    input.includes('drop') && refusals-- > 0 ? { code: 1, stderr: 'Error: no\n' } : {},
  );
  await policies.create(policy);
  await eventually(() => expect(scripts().filter((s) => s.includes('drop'))).toHaveLength(2));
  expect(log).toEqual(['nft: Error: no']);
  expect(scripts().at(-1)).toContain(
    'add table ip portico-networkpolicy\ndelete table ip portico-networkpolicy\ntable ip',
  );
});

test('what the kernel goes on refusing is told of once', async () => {
  const { scripts, log, policies } = await start(({ input }) =>
    input.includes('drop') ? { code: 1, stderr: 'Error: no\n' } : {},
  );
  await policies.create(policy);
  await eventually(() => expect(scripts().filter((s) => s.includes('drop')).length).toBeGreaterThan(2));
  expect(log).toEqual(['nft: Error: no']);
});

test('all of it is written again after a minute, also where something changes all the time', async () => {
  const { api, scripts, policies, advance } = await start();
  await eventually(() => expect(scripts()).toHaveLength(1));
  await policies.create({ ...policy, spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] } });
  await eventually(() => expect(scripts()).toHaveLength(2));
  const addPod = (name: string, ip: string) =>
    api.resource<Pod>(pods).create({
      metadata: { name, namespace: 'demo' },
      spec: { nodeName: 'node-2', containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running', podIPs: [{ ip }] },
    });
  await addPod('one', '10.244.2.2');
  await eventually(() => expect(scripts()[2]).toMatch(/^add element /));
  advance(60_000);
  await addPod('two', '10.244.2.3');
  await eventually(() => expect(scripts()[3]).toMatch(/^add table ip portico-networkpolicy\ndelete table /));
});
