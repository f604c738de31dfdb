// Lengths of time for people: the AGE column of `kubectl get`.

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
