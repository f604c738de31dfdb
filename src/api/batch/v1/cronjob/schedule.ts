// When a CronJob's Jobs are made: five fields as in crontab(5), or a name. Errors are worded as the library's that
// upstream reads them with (robfig/cron v3).

import { goDurationError, parseGoDuration } from '../../../../apimachinery/duration.ts';
import { ownValue, table } from '../../../../apimachinery/table.ts';
import { isTimeZone } from './time-zone.ts';

interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const numbered = (text: string, first: number): Readonly<Record<string, number>> =>
  Object.fromEntries(text.split(' ').map((name, i) => [name, i + first]));

const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: numbered('jan feb mar apr may jun jul aug sep oct nov dec', 1) },
  { min: 0, max: 6, names: numbered('sun mon tue wed thu fri sat', 0) },
];

const descriptors = table<string>({
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
});

/** One field: the values that it allows, and whether it says `*`, which matters for days. */
interface Allowed {
  readonly values: ReadonlySet<number>;
  readonly isStar: boolean;
}

/** A schedule that has been understood. */
export type Schedule =
  | { readonly kind: 'every' /** Milliseconds, whole seconds. */; readonly period: number }
  | {
      readonly kind: 'times';
      readonly minute: Allowed;
      readonly hour: Allowed;
      readonly dayOfMonth: Allowed;
      readonly month: Allowed;
      readonly dayOfWeek: Allowed;
      /** Of a schedule that begins with `TZ=`. */
      readonly timeZone?: string;
    };

/** Why a schedule is none; undefined when it is one. */
export function scheduleError(text: string): string | undefined {
  const parsed = parseSchedule(text);
  return typeof parsed === 'string' ? parsed : undefined;
}

/** The schedule, or why it is none. */
export function parseSchedule(text: string): Schedule | string {
  if (text === '') return 'empty spec string';
  const zoned = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/.exec(text);
  const timeZone = zoned?.[1];
  if (timeZone && !isTimeZone(timeZone)) return `provided bad location ${timeZone}: unknown time zone ${timeZone}`;
  const schedule = zoned ? zoned[2]! : text;
  if (schedule.startsWith('@')) return parseDescriptor(schedule);
  const parts = schedule.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== fields.length) {
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`;
  }
  const read: Allowed[] = [];
  for (const [i, field] of fields.entries()) {
    const allowed = parseField(parts[i]!, field);
    if (typeof allowed === 'string') return allowed;
    read.push(allowed);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = read as [Allowed, Allowed, Allowed, Allowed, Allowed];
  return { kind: 'times', minute, hour, dayOfMonth, month, dayOfWeek, ...(timeZone && { timeZone }) };
}

function parseDescriptor(text: string): Schedule | string {
  const known = descriptors[text];
  if (known !== undefined) return parseSchedule(known);
  const every = /^@every (.*)$/.exec(text)?.[1];
  if (every === undefined) return `unrecognized descriptor: ${text}`;
  const period = parseGoDuration(every);
  if (period === undefined) return `failed to parse duration ${text}: ${goDurationError(every)}`;
  // Less than a second is a second; what is beyond whole seconds is cut.
  return { kind: 'every', period: Math.max(1000, Math.floor(period / 1000) * 1000) };
}

function parseField(text: string, field: Field): Allowed | string {
  const values = new Set<number>();
  let isStar = false;
  for (const part of text.split(',').filter((one) => one !== '')) {
    const range = parseRange(part, field);
    if (typeof range === 'string') return range;
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
    isStar ||= range.isStar;
  }
  return { values, isStar };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isStar: boolean;
}

/** `*`, `3`, `1-5`, `mon-fri`, each with `/step`. */
function parseRange(text: string, field: Field): Range | string {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreHyphens] = range.split('-');
  let [start, end]: [number, number] = [field.min, field.max];
  const isAll = low === '*' || low === '?';
  if (!isAll) {
    const first = numberOf(low, field);
    if (typeof first === 'string') return first;
    if (moreHyphens.length > 0) return `too many hyphens: ${text}`;
    const last = high === undefined ? first : numberOf(high, field);
    if (typeof last === 'string') return last;
    [start, end] = [first, high === undefined && stepText !== undefined ? field.max : last];
  }
  if (moreSteps.length > 0) return `too many slashes: ${text}`;
  const step = stepText === undefined ? 1 : numberOf(stepText, { min: 0, max: 0 });
  if (typeof step === 'string') return step;
  if (start < field.min) return `beginning of range (${start}) below minimum (${field.min}): ${text}`;
  if (end > field.max) return `end of range (${end}) above maximum (${field.max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  if (step === 0) return `step of range should be a positive number: ${text}`;
  return { start, end, step, isStar: isAll && step === 1 };
}

/** The number, or why it is none. */
function numberOf(text: string, { names = {} }: Field): number | string {
  const named = ownValue(names, text.toLowerCase());
  if (named !== undefined) return named;
  if (!/^[-+]?[0-9]+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  }
  const value = Number(text);
  if (Math.abs(value) >= 2 ** 63) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`;
  }
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
