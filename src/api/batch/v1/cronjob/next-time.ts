// The times that a schedule names (as robfig/cron v3 counts them), in a time zone.
import type { Schedule } from './schedule.ts';

/** A schedule that names no day for so long (February 30th) names none. Years. */
const longestGap = 5;
const hour = 3_600_000;
const minute = 60_000;

/** A time as a clock on the wall shows it. */
interface Wall {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/**
 * The first time after `after`, both in milliseconds since the epoch; undefined when there is none. An hour that daylight
 * saving skips is skipped, one that comes twice counts twice.
 */
export function nextTime(schedule: Schedule, after: number, timeZone = 'UTC'): number | undefined {
  if (schedule.kind === 'every') return Math.floor(after / 1000) * 1000 + schedule.period;
  const zone = schedule.timeZone ?? timeZone;
  let time = Math.floor(after / minute) * minute + minute;
  const lastYear = wallOf(time, zone).year + longestGap;
  for (;;) {
    const wall = wallOf(time, zone);
    if (wall.year > lastYear) return undefined;
    if (!schedule.month.values.has(wall.month)) time = midnight(zone, wall.year, wall.month + 1, 1);
    else if (!isDay(schedule, wall)) time = midnight(zone, wall.year, wall.month, wall.day + 1);
    else if (!schedule.hour.values.has(wall.hour)) time += hour - wall.minute * minute;
    else if (!schedule.minute.values.has(wall.minute)) time += minute;
    else return time;
  }
}

/** Where both fields of days say something, either will do. */
function isDay({ dayOfMonth, dayOfWeek }: Extract<Schedule, { kind: 'times' }>, { day, weekday }: Wall): boolean {
  const [byMonth, byWeek] = [dayOfMonth.values.has(day), dayOfWeek.values.has(weekday)];
  return dayOfMonth.isStar || dayOfWeek.isStar ? byMonth && byWeek : byMonth || byWeek;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallOf(time: number, zone: string): Wall {
  const local = new Date(time + offsetAt(time, zone));
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    weekday: local.getUTCDay(),
  };
}

/** Milliseconds that the zone's clocks are ahead of UTC. */
function offsetAt(time: number, zone: string): number {
  if (zone === 'UTC') return 0;
  let format = formats.get(zone);
  if (!format) {
    const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', second: 'numeric', ...numbers });
    formats.set(zone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(time)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour: hours = 0, minute: minutes = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hours, minutes, second) - Math.floor(time / 1000) * 1000;
}

/** The first moment of a day, whose number may be beyond the month's end. */
function midnight(zone: string, year: number, month: number, day: number): number {
  const wanted = Date.UTC(year, month - 1, day);
  let time = wanted - offsetAt(wanted, zone);
  time = wanted - offsetAt(time, zone);
  // Where midnight itself is skipped the day begins later.
  return offsetAt(time, zone) + time < wanted ? time + hour : time;
}
