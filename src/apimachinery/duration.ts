// Lengths of time for people: the AGE column of `kubectl get`.

import { table } from './table.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/**
 * A length of time in milliseconds as k8s.io/apimachinery/pkg/util/duration HumanDuration prints it: two units at most,
 * fewer the longer it is (`90s`, `5m3s`, `42m`, `5h10m`, `47h`, `3d4h`, `400d`, `2y100d`, `9y`). Less than a second in
 * the future is `0s`; two seconds and more is `<invalid>`.
 */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / second);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (milliseconds < 2 * minute) return `${seconds}s`;
  const minutes = Math.floor(milliseconds / minute);
  if (milliseconds < 10 * minute) return units(minutes, 'm', seconds % 60, 's');
  if (milliseconds < 3 * hour) return `${minutes}m`;
  const hours = Math.floor(milliseconds / hour);
  if (milliseconds < 8 * hour) return units(hours, 'h', minutes % 60, 'm');
  if (milliseconds < 2 * day) return `${hours}h`;
  const days = Math.floor(milliseconds / day);
  if (milliseconds < 8 * day) return units(days, 'd', hours % 24, 'h');
  if (milliseconds < 2 * year) return `${days}d`;
  const years = Math.floor(milliseconds / year);
  if (milliseconds < 8 * year) return units(years, 'y', days % 365, 'd');
  return `${years}y`;
}

function units(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** Go's zero time, the year 1, is no time. */
const zeroTime = Date.parse('0001-01-01T00:00:00Z');

/** The AGE of something made at `timestamp` (RFC 3339), at `now` in milliseconds since the epoch. */
export function age(timestamp: string | null | undefined, now: number): string {
  if (!timestamp) return '<unknown>';
  const then = Date.parse(timestamp);
  return Number.isNaN(then) || then === zeroTime ? '<unknown>' : humanDuration(now - then);
}

/** In nanoseconds. */
const goUnits = table<bigint>({
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
});
const longest = 2n ** 63n - 1n;

/**
 * Milliseconds of a duration as Go's time.ParseDuration reads it (`1h30m`, `-1.5s`, `0`): whole nanoseconds, the rest is cut
 * off. Undefined for other text, and for more than 292 years.
 */
export function parseGoDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!/^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = goUnits[unit]!;
    sum += BigInt(whole || '0') * size + (BigInt(fraction || '0') * size) / 10n ** BigInt(fraction.length);
  }
  if (sum > longest) return undefined;
  const milliseconds = Number(sum) / 1e6;
  return text.startsWith('-') ? 0 - milliseconds : milliseconds;
}

/** Why a text is no duration, in the words of Go's time.ParseDuration. */
export function goDurationError(text: string): string {
  const because = (what: string) => `time: ${what} ${JSON.stringify(text)}`;
  let rest = text.replace(/^[+-]/, '');
  while (rest !== '') {
    const [whole = '', number, unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest) ?? [];
    if (number === undefined) break;
    if (unit === '') return because('missing unit in duration');
    if (!Object.hasOwn(goUnits, unit)) return because(`unknown unit ${JSON.stringify(unit)} in duration`);
    rest = rest.slice(whole.length);
  }
  return because('invalid duration');
}

/** Milliseconds as Go prints a duration: `1h30m0s`, `1m0.5s`, `250ms`, `1.5µs`, `0s`. */
export function formatGoDuration(milliseconds: number): string {
  const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const length = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  for (const [unit, next] of [
    ['ns', 'µs'],
    ['µs', 'ms'],
    ['ms', 's'],
  ] as const) {
    if (length < goUnits[next]!) return `${sign}${decimal(length, goUnits[unit]!)}${unit}`;
  }
  const hours = length / goUnits.h!;
  const minutes = (length % goUnits.h!) / goUnits.m!;
  const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : '';
  return `${sign}${head}${decimal(length % goUnits.m!, goUnits.s!)}s`;
}

/** `value` in units of a power of ten, with as many places as it needs. */
function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' || unit === 1n ? `${value / unit}` : `${value / unit}.${fraction}`;
}

const looseUnits: readonly (readonly [RegExp, bigint])[] = [
  [/^(ns|nano.*)$/i, 1n],
  [/^(us|µs|micro.*)$/i, 1_000n],
  [/^(ms|milli.*)$/i, 1_000_000n],
  [/^(s|sec.*)$/i, 1_000_000_000n],
  [/^(m|min.*)$/i, 60_000_000_000n],
  [/^(h|hr|hour.*)$/i, 3_600_000_000_000n],
  [/^(d|day.*)$/i, 86_400_000_000_000n],
  [/^(w|wk|week.*)$/i, 604_800_000_000_000n],
];

/**
 * Nanoseconds of a text in which numbers and units stand, as the OpenAPI format `duration` takes it beside Go's form: `3 weeks`,
 * `about 5 min`. Undefined: it is Go's form, or neither.
 */
export function looseDuration(text: string): bigint | undefined {
  if (parseGoDuration(text) !== undefined) return undefined;
  let total: bigint | undefined;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)) {
    if (BigInt(number) >= 2n ** 63n) return undefined;
    const scale = looseUnits.find(([names]) => names.test(unit))?.[1];
    if (scale !== undefined) total = (total ?? 0n) + BigInt(number) * scale;
  }
  return total;
}
