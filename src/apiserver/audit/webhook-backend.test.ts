import { expect, test } from 'vitest';
import type { RawRequest, Transport } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { eventList, WebhookBackend } from './webhook-backend.ts';

const lines = ['{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1"}'];
const list =
  '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"level":"Metadata","auditID":"1"}]}\n';

async function* answer(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('the server is unwell');
}

/** Answers with these codes, the last of them for ever; notes what was asked and how long was waited for. */
function server(...codes: number[]) {
  const requests: RawRequest[] = [];
  const waits: number[] = [];
  const errors: unknown[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: () => ({ cancel() {} }),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
    },
  };
  const transport: Transport = {
    async request(request: RawRequest) {
      const status = codes[Math.min(requests.length, codes.length - 1)] ?? 200;
      requests.push(request);
      return { status, headers: {}, body: answer() };
    },
  };
  const random = Object.assign(new FakeRandom(), { int: () => 0 });
  const onError = (error: unknown, events: number) => errors.push([(error as Error).message, events]);
  const options = { transport, server: 'https://hook.example/audit', initialBackoff: 100, clock, random, onError };
  return { backend: new WebhookBackend(options), requests, waits, errors };
}

test('events go as an EventList, without a kind of their own', async () => {
  const { backend, requests } = server(200);
  expect(await backend.send(lines)).toBe(true);
  expect(requests[0]).toMatchObject({ method: 'POST', path: '?timeout=30s', body: list });
  expect(eventList([...lines, ...lines])).toBe(list.replace(/\[(.*)\]/, '[$1,$1]'));
});

test('whatever is refused is tried again, five times in all, with growing waits', async () => {
  const flaky = server(500, 404, 200);
  expect(await flaky.backend.send(lines)).toBe(true);
  expect(flaky.waits).toEqual([100, 150]);
  const broken = server(500);
  expect(await broken.backend.send(lines)).toBe(false);
  expect(broken.waits).toEqual([100, 150, 225, 337.5]);
  expect(broken.errors).toEqual([
    ['an error on the server ("the server is unwell") has prevented the request from succeeding', 1],
  ]);
});

test('once the server ends nothing is waited for', async () => {
  const { backend, waits, requests } = server(500);
  backend.close();
  expect(await backend.send(lines)).toBe(false);
  expect([waits.length, requests.length]).toEqual([0, 1]);
});
