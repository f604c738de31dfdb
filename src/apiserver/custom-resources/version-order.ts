// The order of API versions by preference (upstream version.CompareKubeAwareVersionStrings): v10, v2, v1, v11beta2,
// v10beta3, v3beta1, v12alpha1, v11alpha2, then the others by name.

import { table } from '../../apimachinery/table.ts';

const pattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const stability = table<number>({ '': 2, beta: 1, alpha: 0 });

/** Negative when `a` comes first. */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [pattern.exec(a), pattern.exec(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : 1;
  return (
    stability[right[2] ?? '']! - stability[left[2] ?? '']! ||
    Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
