import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { realRandom } from '../../system/real/random.ts';
import { Sessions } from './sessions.ts';

const session = { user: { name: 'jane', groups: [] } };

function made() {
  const clock = new FakeClock();
  return { clock, sessions: new Sessions({ clock, random: realRandom }) };
}

test('a code opens one session, and only once', () => {
  const { sessions } = made();
  const code = sessions.newCode(session);
  const token = sessions.exchange(code);
  expect(sessions.find(token ?? '')).toBe(session);
  expect(sessions.exchange(code)).toBeUndefined();
  expect(sessions.find(code)).toBeUndefined();
  expect(sessions.exchange(token ?? '')).toBeUndefined();
});

test('a code is good for ten minutes, a session for eight hours after its last use', async () => {
  const { clock, sessions } = made();
  const late = sessions.newCode(session);
  const token = sessions.exchange(sessions.newCode(session)) ?? '';
  await clock.advance(600_000);
  expect(sessions.exchange(late)).toBeUndefined();
  await clock.advance(7 * 3_600_000);
  expect(sessions.find(token)).toBe(session);
  await clock.advance(7 * 3_600_000);
  expect(sessions.find(token)).toBe(session);
  await clock.advance(8 * 3_600_000);
  expect(sessions.find(token)).toBeUndefined();
});

test('sessions go on in a server that comes again, by what was kept of them, which is no token', async () => {
  const clock = new FakeClock();
  let changes = 0;
  const onChange = () => {
    changes += 1;
  };
  const before = new Sessions({ clock, random: realRandom, onChange });
  const token = before.exchange(before.newCode(session)) ?? '';
  expect(changes).toBe(1);
  const kept = before.kept();
  expect(JSON.stringify(kept)).not.toContain(token);
  const after = new Sessions({ clock, random: realRandom, kept, onChange });
  expect(after.find(token)).toEqual(session);
  // What is found again and again is written now and then only.
  await clock.advance(1_800_000);
  after.find(token);
  after.find(token);
  expect(changes).toBe(3);
  await clock.advance(8 * 3_600_000);
  expect(after.kept()).toEqual([]);
});
