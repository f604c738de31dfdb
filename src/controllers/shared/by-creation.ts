import type { KubeObject } from '../../apimachinery/object.ts';

/** To sort by: the oldest first, then by name. */
export function byCreation(a: Readonly<KubeObject>, b: Readonly<KubeObject>): number {
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  if (left !== right) return left < right ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0;
}
