import { expect, test } from 'vitest';
import type { RawRequest, Transport } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { WebhookTokens } from '../authentication/webhook-tokens.ts';
import { ReviewWebhook } from './review-webhook.ts';

const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 't' } };

type Answer = readonly [number, string] | Error;

/** Answers in turn: codes with a text, or errors. */
function webhook(...answers: readonly Answer[]) {
  const asked: RawRequest[] = [];
  const transport: Transport = {
    async request(request) {
      const answer = answers[Math.min(asked.length, answers.length - 1)]!;
      asked.push(request);
      if (answer instanceof Error) throw answer;
      const [status, text] = answer;
      async function* body() {
        yield Buffer.from(text);
      }
      return { status, headers: {}, body: body() };
    },
  };
  const clock = new FakeClock();
  const options = { transport, server: 'https://h:1/review', timeout: 30_000, clock, random: new FakeRandom() };
  return { asked, clock, webhook: new ReviewWebhook(options) };
}

/** With time going on while it waits. */
async function settled(asking: Promise<unknown>, clock: FakeClock): Promise<unknown> {
  const state = { done: false };
  const end = () => {
    state.done = true;
  };
  asking.then(end, end);
  while (!state.done) {
    await new Promise(setImmediate);
    clock.advance(1000);
  }
  return asking;
}

const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', address: '127.0.0.1', port: 1 });
const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });

test('a good answer comes back; one that may be better soon is asked for again', async () => {
  const { webhook: hook, asked, clock } = webhook([500, 'x'], [429, 'x'], reset, [200, '{"status":{}}']);
  expect(await settled(hook.ask(review), clock)).toEqual({ status: {} });
  expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual(
    asked.map(() => ['POST', '?timeout=30s', JSON.stringify(review)]),
  );
  expect(asked).toHaveLength(4);
});

test.each([
  [[500, 'oops'], 5, 'an error on the server ("oops") has prevented the request from succeeding'],
  [[503, 'oops'], 1, 'the server is currently unable to handle the request'],
  [[403, '{"kind":"Status","message":"not you"}'], 1, 'not you'],
  [[200, 'what?'], 1, "couldn't get version/kind; json parse error: the answer is no JSON object"],
  [[200, '{"kind":"Pod"}'], 1, 'expected TokenReview of authentication.k8s.io/v1, got Pod of authentication.k8s.io/v1'],
  [refused, 1, 'Post "https://h:1/review?timeout=30s": dial tcp 127.0.0.1:1: connect: connection refused'],
] as const)('%j, after %i tries: %s', async (answer, tries, message) => {
  const { webhook: hook, asked, clock } = webhook(answer);
  await expect(settled(hook.ask(review), clock)).rejects.toThrow(message);
  expect(asked).toHaveLength(tries);
});

test.each([
  [
    { user: { username: 'mage', groups: null, extra: null }, audiences: null },
    { name: 'mage', groups: [] },
  ],
  [{ user: { username: 'mage', extra: { a: ['b'] } } }, { name: 'mage', groups: [], extra: { a: ['b'] } }],
  [{ authenticated: 'false', user: { username: 'mage' } }, undefined],
  [{ user: { username: 'mage', groups: 'wizards' } }, undefined],
  [{ user: { username: 'mage', extra: { a: 'b' } } }, undefined],
])('of a token %j', async (status, user) => {
  const { webhook: hook, clock } = webhook([200, JSON.stringify({ status: { authenticated: true, ...status } })]);
  const onError = () => {};
  const tokens = new WebhookTokens({ webhook: hook, version: 'v1', cacheTTL: 120_000, clock, onError });
  expect(await tokens.authenticate('t')).toEqual(user);
});

test('tokens that a webhook knows, for as long as its answers are kept', async () => {
  const errors: unknown[] = [];
  const yes = JSON.stringify({ status: { authenticated: true, user: { username: 'mage', groups: ['wizards'] } } });
  const tokens = (...answers: readonly Answer[]) => {
    const { webhook: hook, asked, clock } = webhook(...answers);
    const onError = (error: unknown) => errors.push(error);
    return {
      asked,
      clock,
      tokens: new WebhookTokens({ webhook: hook, version: 'v1', cacheTTL: 120_000, clock, onError }),
    };
  };
  const known = tokens([200, yes]);
  const mage = { name: 'mage', groups: ['wizards'] };
  expect(await Promise.all([known.tokens.authenticate('t'), known.tokens.authenticate('t')])).toEqual([mage, mage]);
  expect(await known.tokens.authenticate('t')).toEqual(mage);
  expect(known.asked).toHaveLength(1);
  known.clock.advance(121_000);
  expect(await known.tokens.authenticate('t')).toEqual(mage);
  expect(known.asked).toHaveLength(2);

  const other = tokens([200, '{"status":{"authenticated":true,"audiences":["elsewhere"],"user":{"username":"x"}}}']);
  expect(await other.tokens.authenticate('t')).toBeUndefined();
  expect(errors).toEqual([]);
  const down = tokens([403, '']);
  expect(await down.tokens.authenticate('t')).toBeUndefined();
  expect(await down.tokens.authenticate('t')).toBeUndefined();
  expect([down.asked.length, errors.length]).toEqual([2, 2]);
});
