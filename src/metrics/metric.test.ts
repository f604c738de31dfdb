import { expect, test } from 'vitest';
import { CollectedFamily, Counter, Gauge, Histogram } from './metric.ts';

test('counters print their labels, escaped; a family that nobody used prints nothing', () => {
  const counter = new Counter({ name: 'requests_total', help: 'All\nof them', labels: ['verb', 'path'] });
  expect(counter.print()).toBe('');
  counter.with('GET', '/a"b\\c').add();
  counter.with('GET', '/a"b\\c').add(2);
  expect(counter.print()).toBe(
    '# HELP requests_total All\\nof them\n# TYPE requests_total counter\nrequests_total{verb="GET",path="/a\\"b\\\\c"} 3\n',
  );
});

test('a series that was removed begins anew, also the one that was asked for last', () => {
  const counter = new Counter({ name: 'n', help: 'h', labels: ['a', 'b'] });
  counter.with('x', 'y').add(5);
  counter.with('x', 'z').add(7);
  counter.with('x', 'y').add(1);
  expect(counter.print()).toContain('n{a="x",b="y"} 6\nn{a="x",b="z"} 7\n');
  counter.remove('x', 'y');
  counter.with('x', 'y').add(1);
  expect(counter.print()).toContain('n{a="x",b="z"} 7\nn{a="x",b="y"} 1\n');
});

test('buckets of a histogram hold all that is not above their bound', () => {
  const histogram = new Histogram({ name: 'seconds', help: 'h', bounds: [0.1, 1], labels: ['verb'] });
  for (const value of [0.05, 0.1, 0.5, 3]) histogram.with('GET').observe(value);
  expect(histogram.print()).toBe(
    [
      '# HELP seconds h',
      '# TYPE seconds histogram',
      'seconds_bucket{verb="GET",le="0.1"} 2',
      'seconds_bucket{verb="GET",le="1"} 3',
      'seconds_bucket{verb="GET",le="+Inf"} 4',
      'seconds_sum{verb="GET"} 3.65',
      'seconds_count{verb="GET"} 4',
      '',
    ].join('\n'),
  );
});

test('gauges go down too, and collected families are worked out when asked', () => {
  const gauge = new Gauge({ name: 'open', help: 'h' });
  gauge.with().add(2);
  gauge.with().add(-1);
  expect(gauge.print()).toContain('\nopen 1\n');
  let n = 1;
  const family = new CollectedFamily({ name: 'n', help: 'h', type: 'gauge', labels: ['a'] }, () => [[['x'], n]]);
  n = 7;
  expect(family.print()).toContain('n{a="x"} 7\n');
});

test('numbers are printed as Go prints them', () => {
  const sizes = new Histogram({ name: 'sizes', help: 'Sizes.', bounds: [1e-7, 100_000, 1e6] });
  sizes.with().observe(1_234_567);
  expect(sizes.print()).toContain(
    'sizes_bucket{le="1e-07"} 0\nsizes_bucket{le="100000"} 0\nsizes_bucket{le="1e+06"} 0\n',
  );
  expect(sizes.print()).toContain('sizes_sum 1.234567e+06\n');
});
