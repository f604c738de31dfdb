// Indexes of an indexed Job as a text: `1,3-5`, increasing, each below the Job's completions.

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** An interval, or why the text is none. */
function parseInterval(text: string, completions: number): Interval | string {
  const limits = text.split('-');
  if (limits.length > 2) {
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  }
  for (const limit of limits) {
    if (!/^\+?[0-9]+$/.test(limit)) return `cannot convert string to integer for index: ${JSON.stringify(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
  }
  const [first = 0, last = first] = limits.map(Number);
  if (limits.length === 2 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`;
  return { first, last };
}

/** How many indexes a text names, or why it names none. */
export function countIndexes(text: string, completions: number): number | string {
  let count = 0;
  let last = -1;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part, completions);
    if (typeof interval === 'string') return interval;
    if (interval.first <= last) return `non-increasing order, previous: ${last}, current: ${interval.first}`;
    count += interval.last - interval.first + 1;
    last = interval.last;
  }
  return count;
}

/** The first index that both name; intervals that cannot be read are passed over. */
export function sharedIndex(one: string, other: string, completions: number): number | undefined {
  const [left, right] = [one, other].map((text) =>
    text.split(',').flatMap((part) => {
      const interval = parseInterval(part, completions);
      return typeof interval === 'string' ? [] : [interval];
    }),
  ) as [Interval[], Interval[]];
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [a, b] = [left[i]!, right[j]!];
    if (a.first <= b.last && b.first <= a.last) return Math.max(a.first, b.first);
    if (a.first <= b.first) i++;
    else j++;
  }
  return undefined;
}
