// Times on the wire: meta.k8s.io/v1 Time (RFC 3339, whole seconds) and MicroTime (microseconds), always UTC.

/** The last second that was asked for: a busy server asks for the present one thousands of times. */
const lastSecond = { second: Number.NaN, text: '' };

/** `2026-01-02T03:04:05Z` of milliseconds since the epoch; fractions of a second are cut off. */
export function formatTime(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  if (second !== lastSecond.second) {
    lastSecond.text = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
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
  const match = rfc3339.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const whole = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  // Date.parse takes 31 February for 3 March; Go refuses it.
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number.isNaN(whole) || Number(day) > daysInMonth) return undefined;
  // Digits past the microsecond are cut off, as Go's MicroTime does.
  return fraction ? whole + Number(fraction.slice(1, 7).padEnd(6, '0')) / 1000 : whole;
}
