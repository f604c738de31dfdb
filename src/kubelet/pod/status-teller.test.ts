import { expect, test } from 'vitest';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { pods } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import type { StatusInput } from './pod-status.ts';
import { StatusTeller, type StatusTellerOptions } from './status-teller.ts';

const clock = new FakeClock();

test('who is called not ready by somebody else is said to be ready again, once', async () => {
  const client = new FakeApi({ clock, random: new FakeRandom() });
  const api = client.resource<Pod>(pods);
  const metadata = { name: 'web', namespace: 'default' };
  let seen = await api.create({ metadata, spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'web' }] } });
  const teller = new StatusTeller({
    options: { client, clock, nodeIPs: ['192.0.2.11'] },
    target: () => seen,
    look: () => look(seen),
  });
  const readyOf = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const patches = () => client.calls.filter(({ verb }) => verb === 'patch').length;
  await teller.tell();
  const told = await api.get('web', 'default');
  const own = readyOf(told);
  await teller.tell(); // the cache is behind: no reason to say it again
  expect(patches()).toBe(1);
  const other = own === 'True' ? 'False' : 'True';
  const conditions = (told.status?.conditions ?? []).map((c) => (c.type === 'Ready' ? { ...c, status: other } : c));
  seen = await api.update({ ...told, status: { ...told.status, conditions } }, { subresource: 'status' });
  await teller.tell();
  expect(readyOf(await api.get('web', 'default'))).toBe(own);
  await teller.tell(); // the cache is behind once more
  expect(patches()).toBe(2);
});

test('what is told later is told once, and not when it was told meanwhile', async () => {
  const clock = new FakeClock();
  const client = new FakeApi({ clock, random: new FakeRandom() });
  const api = client.resource<Pod>(pods);
  const metadata = { name: 'web', namespace: 'default' };
  const pod = await api.create({ metadata, spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'web' }] } });
  const options = { client, clock, nodeIPs: ['192.0.2.11'] };
  const patches = () => client.calls.filter(({ verb }) => verb === 'patch').length;
  const teller = new StatusTeller({ options, target: () => pod, look: () => look(pod) });
  teller.tellLater();
  teller.tellLater();
  expect(patches()).toBe(0);
  clock.advance(1000);
  await teller.tell(); // its turn is after the other's
  expect(patches()).toBe(1);
  const other = new StatusTeller({ options, target: () => pod, look: () => look(pod) });
  other.tellLater();
  await other.tell();
  clock.advance(1000);
  await other.tell();
  expect(patches()).toBe(2);
  const { status } = await api.get('web', 'default');
  expect(other.isOwnWord(status)).toBe(true);
  expect(other.isOwnWord({ ...status, phase: 'Failed' })).toBe(false);
});

/** Of a pod whose container runs and is ready. */
function look(pod: Pod): ReturnType<StatusTellerOptions['look']> {
  const times = { createdAt: clock.now(), startedAt: clock.now(), finishedAt: 0 };
  const said = { image: 'web', imageRef: 'web', reason: '', message: '', exitCode: 0 };
  const container = { id: 'c1', name: 'web', state: 'running', attempt: 0, ...times, ...said } as const;
  const observed = { containers: [container], sandboxes: [] } as unknown as StatusInput['observed'];
  return { pod, observed, started: new Set(['c1']), ready: new Set(['c1']), waiting: new Map() };
}
