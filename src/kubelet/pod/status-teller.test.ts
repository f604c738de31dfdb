import { describe, expect, test } from 'vitest';
import type { Pod, PodStatus } from '../../api/core/v1/types.generated.ts';
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
  const current = await api.get('web', 'default');
  const other = new StatusTeller({ options, target: () => current, look: () => look(current) });
  other.tellLater();
  await other.tell();
  clock.advance(1000);
  await other.tell();
  expect(patches()).toBe(2);
  const { status } = await api.get('web', 'default');
  expect(other.isOwnWord(status)).toBe(true);
  expect(other.isOwnWord({ ...status, phase: 'Failed' })).toBe(false);
});

describe('what others say of a pod', () => {
  const gate = { type: 'example.com/gate', status: 'False' };

  async function setUp() {
    const client = new FakeApi({ clock, random: new FakeRandom() });
    const api = client.resource<Pod>(pods);
    const metadata = { name: 'web', namespace: 'default' };
    const readinessGates = [{ conditionType: gate.type }];
    const spec = { nodeName: 'node-1', containers: [{ name: 'web', image: 'web' }], readinessGates };
    let seen = await api.create({ metadata, spec });
    const options = { client, clock, nodeIPs: ['192.0.2.11'] };
    const teller = new StatusTeller({ options, target: () => seen, look: () => look(seen) });
    const current = () => api.get('web', 'default');
    return {
      teller,
      current,
      /** What somebody else makes of the status. */
      change: async (change: (status: PodStatus) => PodStatus) => {
        const pod = await current();
        return api.update({ ...pod, status: change(pod.status ?? {}) }, { subresource: 'status' });
      },
      catchUp: async () => {
        seen = await current();
      },
      conditions: async () =>
        Object.fromEntries((await current()).status?.conditions?.map(({ type, status }) => [type, status]) ?? []),
      patches: () => client.calls.filter(({ verb }) => verb === 'patch').length,
    };
  }

  const withGate = (value: string) => (status: PodStatus) => ({
    ...status,
    conditions: [{ ...gate, status: value }, ...(status.conditions ?? []).filter(({ type }) => type !== gate.type)],
  });

  test('a gate that opens and closes again is followed', async () => {
    const { teller, change, catchUp, conditions } = await setUp();
    await teller.tell();
    for (const value of ['False', 'True', 'False', 'True']) {
      await change(withGate(value));
      await catchUp();
      await teller.tell();
      expect(await conditions()).toMatchObject({ [gate.type]: value, Ready: value, ContainersReady: 'True' });
    }
  });

  test('what they said since the informer saw the pod is not lost', async () => {
    const { teller, change, conditions } = await setUp();
    await change(withGate('True'));
    await teller.tell();
    expect(await conditions()).toMatchObject({ [gate.type]: 'True', Ready: 'True' });
  });

  test('of a mirror nothing that was said counts, whoever wrote since it was seen', async () => {
    const client = new FakeApi({ clock, random: new FakeRandom() });
    const api = client.resource<Pod>(pods);
    const spec = { nodeName: 'node-1', containers: [{ name: 'web', image: 'web' }] };
    const mirror = await api.create({ metadata: { name: 'web', namespace: 'default' }, spec });
    const own: Pod = { metadata: { name: 'web', namespace: 'default', uid: 'of-the-file' }, spec };
    const options = { client, clock, nodeIPs: ['192.0.2.11'] };
    const teller = new StatusTeller({ options, target: () => mirror, look: () => look(own) });
    await api.update({ ...mirror, status: { phase: 'Failed', reason: 'Lost' } }, { subresource: 'status' });
    await teller.tell();
    const { status } = await api.get('web', 'default');
    expect([status?.phase, status?.reason]).toEqual(['Running', undefined]);
  });

  test.each<[string, Partial<PodStatus>]>([
    ['another phase', { phase: 'Foo' }],
    ['a reason', { reason: 'Lost', message: 'it is lost' }],
    ['other statuses of containers', { containerStatuses: [] }],
    ['a condition of the kubelet', { conditions: [{ type: 'PodResizePending', status: 'True' }] }],
  ])('%s is taken back, once', async (_, wrong) => {
    const { teller, change, catchUp, current, patches } = await setUp();
    await teller.tell();
    const { status } = await current();
    await change((old) => ({ ...old, ...wrong, conditions: [...(old.conditions ?? []), ...(wrong.conditions ?? [])] }));
    await catchUp();
    await teller.tell();
    expect((await current()).status).toEqual(status);
    await catchUp();
    await teller.tell();
    expect(patches()).toBe(2);
  });
});

/** Of a pod whose container runs and is ready. */
function look(pod: Pod): ReturnType<StatusTellerOptions['look']> {
  const times = { createdAt: clock.now(), startedAt: clock.now(), finishedAt: 0 };
  const said = { image: 'web', imageRef: 'web', reason: '', message: '', exitCode: 0 };
  const container = { id: 'c1', name: 'web', state: 'running', attempt: 0, ...times, ...said } as const;
  const observed = { containers: [container], sandboxes: [] } as unknown as StatusInput['observed'];
  return { pod, observed, started: new Set(['c1']), ready: new Set(['c1']), waiting: new Map() };
}
