// When a pod must leave a tainted node (upstream pkg/controller/tainteviction): pure.
import { tolerates } from '../../api/core/v1/node/placement.ts';
import type { Pod, Taint } from '../../api/core/v1/types.generated.ts';
import { isOfSilence } from '../shared/node-taints.ts';

/**
 * Milliseconds until a pod must leave its node because of the node's NoExecute taints: 0 for now, undefined for never. Of
 * several tolerations of a taint the first says how long. Its time counts `since` it was first seen that it must; where the
 * node itself is silent, since that was told, also over a restart.
 */
export function evictionDelay(
  pod: Readonly<Pod>,
  taints: readonly Readonly<Taint>[],
  { now, since }: { readonly now: number; readonly since: number },
): number | undefined {
  let soonest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const toleration = pod.spec.tolerations?.find((t) => tolerates(t, taint));
    if (!toleration) return 0;
    const { tolerationSeconds } = toleration;
    if (tolerationSeconds === undefined) continue;
    if (tolerationSeconds <= 0) return 0;
    const start = isOfSilence(taint) ? Math.min(since, toldAt(taint, pod)) : since;
    const left = Math.max(0, start + tolerationSeconds * 1000 - now);
    soonest = Math.min(soonest ?? left, left);
  }
  return soonest;
}

/** Later than that for a pod that came later. Infinity for a taint that says no time. */
function toldAt({ timeAdded }: Readonly<Taint>, { metadata }: Readonly<Pod>): number {
  if (timeAdded === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(Date.parse(timeAdded), Date.parse(metadata.creationTimestamp ?? timeAdded));
}
