// Times on the wire: meta.k8s.io/v1 Time (RFC 3339, whole seconds) and MicroTime (microseconds), always UTC.

import { inOnePiece } from './one-piece.ts';
import { table } from './table.ts';

/** The last second that was asked for: a busy server asks for the present one thousands of times. */
const lastSecond = { second: Number.NaN, text: '' };

/** `2026-01-02T03:04:05Z` of milliseconds since the epoch; fractions of a second are cut off. */
export function formatTime(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  if (second !== lastSecond.second) {
    lastSecond.text = inOnePiece(`${new Date(second * 1000).toISOString().slice(0, 19)}Z`);
    lastSecond.second = second;
  }
  return lastSecond.text;
}

/** `2026-01-02T03:04:05.678000Z` of milliseconds since the epoch, whose fraction is rounded to the microsecond. */
export function formatMicroTime(milliseconds: number): string {
  const micros = Math.round(milliseconds * 1000);
  const whole = Math.floor(micros / 1000);
  return `${new Date(whole).toISOString().slice(0, 23)}${String(micros - whole * 1000).padStart(3, '0')}Z`;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[T](\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch (with a fraction where the text has microseconds), or undefined where it is no RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined;
  const read = readTime(text, 'time');
  return typeof read === 'string' ? undefined : read;
}

/** How a field writes its time; a micro-time has six digits of a second, neither more nor fewer. */
export type TimeLayout = 'time' | 'micro-time';

/** As Go writes a layout: the parts of an example that stand for what they show. */
const layoutParts: Readonly<Record<TimeLayout, readonly string[]>> = {
  time: ['2006', '-', '01', '-', '02', 'T', '15', ':', '04', ':', '05', 'Z07:00'],
  'micro-time': ['2006', '-', '01', '-', '02', 'T', '15', ':', '04', ':', '05', '.000000', 'Z07:00'],
};

/** What each part takes of the text; an hour may have one digit. */
const partPatterns = table<RegExp>({
  '2006': /^(\d{4})/,
  '01': /^(\d\d)/,
  '02': /^(\d\d)/,
  '15': /^(\d\d?)/,
  '04': /^(\d\d)/,
  '05': /^(\d\d)/,
  '.000000': /^[.,](\d{6})/,
  'Z07:00': /^(?:Z|([\s\S])(\d\d):(\d\d))/,
});

const partRanges = table<{ readonly name: string; readonly min: number; readonly max: number }>({
  '01': { name: 'month', min: 1, max: 12 },
  '15': { name: 'hour', min: 0, max: 23 },
  '04': { name: 'minute', min: 0, max: 59 },
  '05': { name: 'second', min: 0, max: 59 },
});

/** Milliseconds since the epoch as Go's time.Parse reads a text of this layout, or what is wrong with it in Go's words. */
export function readTime(text: string, layout: TimeLayout): number | string {
  const parts = layoutParts[layout];
  const numbers: Record<string, number> = {};
  let fraction = '';
  let offset = 0;
  let rest = text;
  const bad = (part: string) =>
    `parsing time ${goQuote(text)} as ${goQuote(parts.join(''))}: cannot parse ${goQuote(rest)} as ${goQuote(part)}`;
  const outOf = (what: string) => `parsing time ${goQuote(text)}: ${what} out of range`;
  for (const part of parts) {
    const pattern = partPatterns[part];
    if (!pattern) {
      if (!rest.startsWith(part)) return bad(part);
      rest = rest.slice(part.length);
      continue;
    }
    const match = pattern.exec(rest);
    if (!match) return bad(part);
    const [whole, first = '', hours = '', minutes = ''] = match;
    if (part === 'Z07:00') {
      if (Number(minutes) > 60) return outOf('time zone offset minute');
      if (Number(hours) > 24) return outOf('time zone offset hour');
      if (first !== '' && first !== '+' && first !== '-') return bad(part);
      offset = (Number(hours) * 60 + Number(minutes)) * (first === '-' ? -1 : 1);
    } else if (part === '.000000') fraction = first;
    else {
      numbers[part] = Number(first);
      const range = partRanges[part];
      if (range && (Number(first) < range.min || Number(first) > range.max)) return outOf(range.name);
    }
    rest = rest.slice(whole.length);
    const more = part === '05' && layout === 'time' ? /^[.,](\d+)/.exec(rest) : undefined;
    if (more) {
      fraction = more[1] ?? '';
      rest = rest.slice(more[0].length);
    }
  }
  if (rest !== '') return `parsing time ${goQuote(text)}: extra text: ${goQuote(rest)}`;
  const {
    '2006': year = 0,
    '01': month = 1,
    '02': day = 1,
    '15': hour = 0,
    '04': minute = 0,
    '05': second = 0,
  } = numbers;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (day < 1 || date.getUTCDate() !== day) return outOf('day');
  date.setUTCHours(hour, minute - offset, second);
  // Digits past the microsecond are cut off, as Go's MicroTime does.
  return date.getTime() + Number(fraction.slice(0, 6).padEnd(6, '0')) / 1000;
}

/** As Go's package time quotes: bytes outside of printable ASCII in hexadecimal. */
function goQuote(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    if (byte < 0x20 || byte >= 0x80) return `\\x${byte.toString(16).padStart(2, '0')}`;
    const char = String.fromCharCode(byte);
    return char === '"' || char === '\\' ? `\\${char}` : char;
  });
  return `"${bytes.join('')}"`;
}
