// What flags are given, read; what cannot be read ends the program with exit code 2.
import { table } from '../apimachinery/table.ts';
import { Failure } from '../cluster/failure.ts';

/** The command was not called as it may be. */
export function usage(message: string, cause?: unknown): Failure {
  return new Failure(message, { cause, exitCode: 2 });
}

/** Throws a usage failure that names the flag. `value` is `true` where a flag stands alone. */
export function isTrue(flag: string, value: string | true): boolean {
  if (!['true', 'false'].includes(String(value))) throw usage(`${flag} ${value}: must be true or false`);
  return String(value) === 'true';
}

/** Which of the known values a flag was given. Throws a usage failure that names the flag and all of them. */
export function oneOf<T extends string>(flag: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw usage(`${flag}: ${JSON.stringify(value)} is none of ${known.join(', ')}`);
  return found;
}

/** Gathers what a flag is given that may be repeated. */
export const repeated = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** The same for a flag that also takes several at once, with commas. */
export const repeatedLists = (value: string, before: readonly string[] = []): string[] => [
  ...before,
  ...value.split(',').map((one) => one.trim()),
];

/** A count. Throws a usage failure that names the flag. */
export function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw usage(`${flag} ${text}: must be a whole number`);
  return Number(text);
}

/** Reads a whole number from `min` to `max`; throws a usage failure that names the option. */
export function wholeNumberBetween(option: string, min: number, max: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      throw usage(`${option}: ${JSON.stringify(value)} is not a whole number from ${min} to ${max}`);
    }
    return number;
  };
}

const units = table<number>({ h: 3_600_000, m: 60_000, s: 1000, ms: 1 });

/** Milliseconds of `1h30m` or `90s`, as Go's flags take them; throws a usage failure that names the flag. */
export function parseDuration(flag: string, text: string): number {
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text))
    throw usage(`${flag} ${text}: must be a duration, such as 1h30m or 90s`);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0);
}
