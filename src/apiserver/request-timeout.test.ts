import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { type ApiResponse, textResponse } from './request.ts';
import { parseRequestInfo } from './request-info.ts';
import { answerWithin, timeoutOf } from './request-timeout.ts';

const timeout = (text: string, path = '/api/v1/pods') => {
  const query = new URLSearchParams({ timeout: text });
  return timeoutOf(query, parseRequestInfo('GET', path, query));
};

// As kube-apiserver: what is no wait, or a longer one than it allows, is a minute.
test.each([
  ['32s', 32_000],
  ['0h0m0.5s', 500],
  ['1µs', 0.001],
  ['0', 60_000],
  ['-1s', 60_000],
  ['3600s', 60_000],
  ['', undefined],
])('%j is a time to wait: %j', (text, expected) => {
  expect(timeout(text)).toBe(expected);
});

test('--request-timeout is for all that is to end, and nobody gets more', () => {
  const limited = (path: string, search = '') => {
    const query = new URLSearchParams(search);
    return timeoutOf(query, parseRequestInfo('GET', path, query), 5000);
  };
  expect(['', 'timeout=2s', 'timeout=7s', 'watch=true'].map((search) => limited('/api/v1/pods', search))).toEqual([
    5000,
    2000,
    5000,
    undefined,
  ]);
  expect(limited('/healthz')).toBe(5000);
});

// Recorded from k8s.io/apiserver 1.36.4.
test.each([
  ['invalid', 'time: invalid duration "invalid"'],
  ['30', 'time: missing unit in duration "30"'],
  ['3d', 'time: unknown unit "d" in duration "3d"'],
  ['1s1', 'time: missing unit in duration "1s1"'],
  ['1S', 'time: unknown unit "S" in duration "1S"'],
  ['1e3s', 'time: unknown unit "e" in duration "1e3s"'],
  ['1h-1m', 'time: unknown unit "h-" in duration "1h-1m"'],
  ['-', 'time: invalid duration "-"'],
  ['9999999999999h', 'time: invalid duration "9999999999999h"'],
])('%j is none', (text, why) => {
  expect(() => timeout(text)).toThrow(`invalid timeout specified in the request URL - ${why}`);
  expect(() => timeout(text, '/healthz')).toThrow(why);
  expect(() => timeout(text, '/api/v1/watch/pods')).not.toThrow();
});

test('who is answered in time is; who is not hears so, and the work is told', async () => {
  const clock = new FakeClock(0);
  const inTime = answerWithin({ ms: 1000, clock }, async () => textResponse(200, 'ok'));
  expect((await inTime).status).toBe(200);

  const slow = Promise.withResolvers<ApiResponse>();
  const signals: AbortSignal[] = [];
  const late = answerWithin({ ms: 1000, clock }, (deadline) => {
    signals.push(deadline);
    return slow.promise;
  });
  clock.advance(999);
  expect(signals[0]?.aborted).toBe(false);
  clock.advance(1);
  expect(await late).toEqual({
    status: 504,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: '{"metadata":{},"status":"Failure","message":"Timeout: request did not complete within the allotted timeout","reason":"Timeout","details":{},"code":504}\n',
  });
  expect(signals[0]?.aborted).toBe(true);
  // What becomes of it is nobody's business: an unhandled rejection would fail this test.
  slow.reject(new Error('too late'));
});
