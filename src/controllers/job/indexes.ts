// Sets of completion indexes and their text, `1,3-5,7` (batch/v1 Job status.completedIndexes). Pure.

/** Indexes at or above `completions` are left out. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) continue;
    const last = Math.min(Number(match[2] ?? match[1]), completions - 1);
    for (let index = Number(match[1]); index <= last; index += 1) indexes.add(index);
  }
  return indexes;
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; i += 1) {
    const from = i;
    while (sorted[i + 1] === (sorted[i] ?? 0) + 1) i += 1;
    const [first, last] = [sorted[from], sorted[i]];
    // Two in a row are no range yet.
    const between = i - from === 1 ? ',' : '-';
    parts.push(from === i ? `${first}` : `${first}${between}${last}`);
  }
  return parts.join(',');
}
