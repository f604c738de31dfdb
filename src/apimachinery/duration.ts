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

/** The AGE of something made at `timestamp` (RFC 3339), at `now` in milliseconds since the epoch. */
export function age(timestamp: string | undefined, now: number): string {
  if (!timestamp) return '<unknown>';
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? '<unknown>' : humanDuration(now - then);
}

const goUnits = table<number>({
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: second,
  m: minute,
  h: hour,
});

/** Milliseconds of a duration as Go's time.ParseDuration reads it (`1h30m`, `-1.5s`, `0`); undefined for other text. */
export function parseGoDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!/^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d*\.?\d*)(ns|us|µs|μs|ms|s|m|h)/g)];
  const sum = parts.reduce((total, [, number = '', unit = '']) => total + Number(number) * goUnits[unit]!, 0);
  return text.startsWith('-') ? -sum : sum;
}

/** Milliseconds as Go prints a duration: `1h30m0s`, `1m0.5s`, `250ms`, `0s`. */
export function formatGoDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? '-' : '';
  const length = Math.abs(milliseconds);
  if (length === 0) return '0s';
  if (length < second) return `${sign}${length}ms`;
  const hours = Math.floor(length / hour);
  const minutes = Math.floor((length % hour) / minute);
  const seconds = (length % minute) / second;
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : '';
  return `${sign}${head}${seconds}s`;
}
