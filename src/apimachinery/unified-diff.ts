// The difference of two texts in unified form (POSIX diff -u), without the lines that name files.

const context = 3;
/** Of the table that a longest common subsequence takes: 16 MB. */
const maxCells = 4_000_000;

interface Edit {
  readonly type: ' ' | '-' | '+';
  readonly line: string;
  /** Lines of either text that come before this one. */
  readonly before: number;
  readonly after: number;
}

/** Hunks with three lines of context, each line ending in a line feed; empty when nothing differs. */
export function unifiedDiff(before: readonly string[], after: readonly string[]): string {
  const edits = editScript(before, after);
  return hunks(edits).map(renderHunk).join('');
}

/** A shortest way from one text to the other; lines go before others come. */
function editScript(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++;
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  const push = (type: Edit['type'], line: string): void => {
    edits.push({ type, line, before: i, after: j });
    if (type !== '+') i++;
    if (type !== '-') j++;
  };
  const common = longestCommon(before.slice(start, before.length - end), after.slice(start, after.length - end));
  for (const line of before.slice(0, start)) push(' ', line);
  for (const [left, right] of [...common, [before.length - end - start, after.length - end - start] as const]) {
    while (i < start + left) push('-', before[i]!);
    while (j < start + right) push('+', after[j]!);
    if (i < before.length) push(' ', before[i]!);
  }
  while (i < before.length) push(' ', before[i]!);
  return edits;
}

/** Pairs of indexes of a longest common subsequence; none of texts so long that looking for it would cost seconds. */
function longestCommon(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  if ((a.length + 1) * width > maxCells) return [];
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const below = lengths[(i + 1) * width + j]!;
      const right = lengths[i * width + j + 1]!;
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(below, right);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return pairs;
}

/** Changes that are no further apart than their contexts share a hunk. */
function hunks(edits: readonly Edit[]): Edit[][] {
  const changed = edits.flatMap(({ type }, i) => (type === ' ' ? [] : [i]));
  const ranges: [number, number][] = [];
  for (const i of changed) {
    const last = ranges.at(-1);
    if (last && i - last[1] <= 2 * context) last[1] = i + 1;
    else ranges.push([i, i + 1]);
  }
  return ranges.map(([from, to]) => edits.slice(Math.max(0, from - context), to + context));
}

function renderHunk(edits: readonly Edit[]): string {
  const first = edits[0]!;
  const count = (other: '+' | '-'): number => edits.filter(({ type }) => type !== other).length;
  const head = `@@ -${range(first.before, count('+'))} +${range(first.after, count('-'))} @@\n`;
  return head + edits.map(({ type, line }) => `${type}${line}\n`).join('');
}

function range(start: number, length: number): string {
  if (length === 1) return String(start + 1);
  return `${length === 0 ? start : start + 1},${length}`;
}
