import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { onlyNews, reportOnce } from './report-once.ts';

test('an outage is told of once per matter, and again when it becomes another or comes anew', () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const report = reportOnce((line) => lines.push(line), clock);
  const attempt = (what: string, why: string, after: number) => {
    clock.advance(after);
    report(new Error(why), what);
  };
  for (let i = 0; i < 200; i += 1) {
    attempt('pods', 'refused', 500);
    attempt('nodes', 'refused', 500);
  }
  attempt('pods', 'no way', 1000);
  attempt('pods', 'refused', 1000);
  attempt('pods', 'refused', 60_001);
  expect(lines).toEqual(['pods: refused', 'nodes: refused', 'pods: no way', 'pods: refused', 'pods: refused']);
});

test('what stands again and is lost again for the same reason is news each time', () => {
  const lines: string[] = [];
  const say = onlyNews((line) => lines.push(line), new FakeClock());
  for (const line of ['stands', 'lost', 'lost', 'stands', 'lost']) say('tunnel', line);
  expect(lines).toEqual(['stands', 'lost', 'stands', 'lost']);
});

test('of very many matters the last are remembered', () => {
  const lines: string[] = [];
  const say = onlyNews((line) => lines.push(line), new FakeClock());
  for (let i = 0; i <= 1000; i += 1) say(`pod ${i}`, 'refused');
  lines.length = 0;
  say('pod 1', 'refused');
  say('pod 0', 'refused');
  expect(lines).toEqual(['refused']);
});
