// When a CronJob's Jobs are made: five fields as in crontab(5), or a name. Errors are worded as the library's that
// upstream reads them with (robfig/cron v3).

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

const descriptors = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** Why a schedule is none; undefined when it is one. */
export function scheduleError(text: string): string | undefined {
  if (text === '') return 'empty spec string';
  const zoned = /^(?:CRON_)?TZ=(\S*)\s*(.*)$/.exec(text);
  const schedule = zoned ? zoned[2]! : text;
  if (schedule.startsWith('@')) return descriptorError(schedule);
  const parts = schedule.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== fields.length) {
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`;
  }
  for (const [i, field] of fields.entries()) {
    for (const range of parts[i]!.split(',')) {
      const error = range === '' ? undefined : rangeError(range, field);
      if (error) return error;
    }
  }
  return undefined;
}

function descriptorError(text: string): string | undefined {
  if (descriptors.has(text)) return undefined;
  const every = /^@every (.*)$/.exec(text)?.[1];
  if (every === undefined) return `unrecognized descriptor: ${text}`;
  if (/^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$/.test(every)) return undefined;
  const quoted = JSON.stringify(every);
  return `failed to parse duration ${text}: time: invalid duration ${quoted}`;
}

/** `*`, `3`, `1-5`, `mon-fri`, each with `/step`. */
function rangeError(text: string, field: Field): string | undefined {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  if (moreSteps.length > 0) return `too many slashes: ${text}`;
  const [low = '', high, ...moreHyphens] = range.split('-');
  if (moreHyphens.length > 0) return `too many hyphens: ${text}`;
  let [start, end]: [number, number] = [field.min, field.max];
  if (low !== '*' && low !== '?') {
    const first = numberOf(low, field);
    if (typeof first === 'string') return first;
    const last = high === undefined ? first : numberOf(high, field);
    if (typeof last === 'string') return last;
    [start, end] = [first, high === undefined && stepText !== undefined ? field.max : last];
  }
  const step = stepText === undefined ? 1 : numberOf(stepText, { min: 0, max: 0 });
  if (typeof step === 'string') return step;
  if (start < field.min) return `beginning of range (${start}) below minimum (${field.min}): ${text}`;
  if (end > field.max) return `end of range (${end}) above maximum (${field.max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  return step === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** The number, or why it is none. */
function numberOf(text: string, { names = {} }: Field): number | string {
  const named = names[text.toLowerCase()];
  if (named !== undefined) return named;
  if (!/^[-+]?[0-9]+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  }
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}
