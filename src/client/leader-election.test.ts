import { expect, test } from 'vitest';
import type { Lease } from '../api/coordination/v1/types.generated.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { FakeRandom } from '../system/fake/random.ts';
import { FakeApi } from './fake/fake-api.ts';
import { settle } from './fake/settle.ts';
import { runElected } from './leader-election.ts';
import { leases } from './resources.ts';

function start() {
  const clock = new FakeClock();
  const random = new FakeRandom();
  const api = new FakeApi({ clock, random });
  const leading: string[] = [];
  const candidate = (identity: string) => {
    const stop = new AbortController();
    const options = { client: api, clock, random, name: 'controllers', namespace: 'kube-system', identity };
    const running = runElected({ ...options, signal: stop.signal }, async (signal) => {
      leading.push(identity);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      leading.splice(leading.indexOf(identity), 1);
    });
    return {
      async stop() {
        stop.abort();
        await running;
      },
    };
  };
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 1) {
      clock.advance(1000);
      await settle(10);
    }
  };
  const lease = () => api.resource<Lease>(leases).get('controllers', 'kube-system');
  return { api, clock, leading, candidate, pass, lease };
}

test('one leads; when it stops the next follows at once', async () => {
  const { leading, candidate, pass, lease } = start();
  const a = candidate('a');
  await settle();
  const b = candidate('b');
  await pass(60);
  expect(leading).toEqual(['a']);
  await a.stop();
  await pass(5);
  expect(leading).toEqual(['b']);
  expect((await lease()).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  await b.stop();
  expect((await lease()).spec.holderIdentity).toBe('');
});

test('who cannot renew stops before another begins', async () => {
  const { api, leading, candidate, pass } = start();
  const a = candidate('a');
  await settle();
  let cut = true;
  api.react((_call, object) => {
    if (cut && (object as Lease | undefined)?.spec.holderIdentity !== 'b') throw new Error('the network is cut');
  });
  const b = candidate('b');
  await pass(11);
  expect(leading).toEqual([]);
  await pass(10);
  expect(leading).toEqual(['b']);
  cut = false;
  await pass(30);
  expect(leading).toEqual(['b']);
  await a.stop();
  await b.stop();
});

test("a time that is set back lengthens nobody's term", async () => {
  const { api, clock, leading, candidate, pass } = start();
  const a = candidate('a');
  await settle();
  const b = candidate('b');
  await pass(5);
  api.react((_call, object) => {
    if ((object as Lease | undefined)?.spec.holderIdentity !== 'b') throw new Error('the network is cut');
  });
  clock.step(-3_600_000);
  await pass(11);
  expect(leading).toEqual([]);
  await pass(10);
  expect(leading).toEqual(['b']);
  await Promise.all([a.stop(), b.stop()]);
});

test('who gets no answer at all stops before another begins', async () => {
  const { api, leading, candidate, pass } = start();
  const a = candidate('a');
  await settle();
  const answer = Promise.withResolvers<void>();
  api.react((_call, object) =>
    (object as Lease | undefined)?.spec.holderIdentity === 'b' ? undefined : answer.promise,
  );
  const b = candidate('b');
  await pass(13);
  expect(leading).toEqual([]);
  await pass(10);
  expect(leading).toEqual(['b']);
  answer.resolve();
  await pass(30);
  expect(leading).toEqual(['b']);
  await Promise.all([a.stop(), b.stop()]);
});
