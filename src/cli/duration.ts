// Durations as Go's flags take them.
import { table } from '../apimachinery/table.ts';
import { usage } from './cluster-options.ts';

const units = table<number>({ h: 3_600_000, m: 60_000, s: 1000, ms: 1 });

/** Milliseconds of `1h30m` or `90s`; throws a usage failure that names the flag. */
export function parseDuration(flag: string, text: string): number {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text))
    throw usage(`${flag} ${text}: must be a duration, such as 1h30m or 90s`);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0);
}
