import { expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import { ApiMetrics } from '../metrics/api-metrics.ts';
import { parseRequestInfo } from '../request-info.ts';
import { InFlight } from './in-flight.ts';

const jane = { name: 'jane', groups: [] };
const info = (method: string, url: string) => {
  const [path = '', query = ''] = url.split('?');
  return parseRequestInfo(method, path, new URLSearchParams(query));
};
const pods = '/api/v1/pods';

function setUp() {
  const clock = new FakeClock();
  const metrics = new ApiMetrics();
  const inFlight = new InFlight({ readOnly: 2, mutating: 1 }, { clock, metrics });
  return { clock, metrics, inFlight };
}

test('who finds no place waits in line for the next that is given back', async () => {
  const { inFlight, metrics } = setUp();
  const writes = inFlight.placesFor(jane, info('POST', pods))!;
  expect(writes.take()).toBe(true);
  const order: string[] = [];
  const first = Promise.resolve(writes.take()).then((taken) => order.push(`first ${taken}`));
  const second = Promise.resolve(writes.take()).then((taken) => order.push(`second ${taken}`));
  expect(metrics.waiting.with('mutating').value).toBe(2);
  writes.give();
  await first;
  writes.give();
  await second;
  expect(order).toEqual(['first true', 'second true']);
  writes.give();
  expect(metrics.inFlight.with('mutating').value).toBe(0);
});

test('a line that does not move, and one that is too long, are refused', async () => {
  const { inFlight, metrics, clock } = setUp();
  const writes = inFlight.placesFor(jane, info('DELETE', `${pods}/a`))!;
  writes.take();
  const waiting = Array.from({ length: 25 }, () => writes.take());
  expect(writes.take()).toBe(false);
  clock.advance(15_000);
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => false));
  expect(metrics.dropped.with('mutating').value).toBe(26);
  expect(metrics.waiting.with('mutating').value).toBe(0);
});

test('reads and writes are counted apart; watches, administrators and paths not at all', () => {
  const { inFlight } = setUp();
  const reads = inFlight.placesFor(jane, info('GET', pods));
  expect(reads).toBe(inFlight.placesFor(jane, info('GET', `${pods}/a`)));
  expect(reads).not.toBe(inFlight.placesFor(jane, info('POST', pods)));
  expect(inFlight.placesFor(jane, info('GET', `${pods}?watch=1`))).toBeUndefined();
  expect(inFlight.placesFor(jane, info('GET', '/healthz'))).toBeUndefined();
  expect(inFlight.placesFor({ name: 'root', groups: ['system:masters'] }, info('GET', pods))).toBeUndefined();
});
