// The rolling update of a DaemonSet (upstream pkg/controller/daemon/update.go): which old pods go, and with a surge which
// nodes get a new one beside the old. Pure.
import type { DaemonSet } from '../../api/apps/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { resolveIntOrPercent } from '../shared/int-or-percent.ts';
import { isAvailable, isOfHash, isTerminating } from './pods.ts';
import type { DaemonNode, DaemonSetInput } from './reconcile.ts';

export interface UpdateStep {
  readonly create: readonly string[];
  readonly delete: readonly Readonly<Pod>[];
}

export function rollingUpdate(input: DaemonSetInput, nodes: readonly DaemonNode[]): UpdateStep {
  const wanted = nodes.filter(({ shouldRun }) => shouldRun);
  const { surge, unavailable } = limits(input.set, wanted.length);
  return surge === 0 ? replace(input, wanted, unavailable) : replaceBySurge(input, wanted, surge);
}

/** Both rounded up. */
function limits({ spec }: Readonly<DaemonSet>, desired: number): { surge: number; unavailable: number } {
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {};
  const surge = resolveIntOrPercent(maxSurge, desired, 'up');
  const unavailable = resolveIntOrPercent(maxUnavailable, desired, 'up');
  // Both zero would never move.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

function replace(input: DaemonSetInput, nodes: readonly DaemonNode[], maxUnavailable: number): UpdateStep {
  const broken: Readonly<Pod>[] = [];
  const candidates: Readonly<Pod>[] = [];
  let unavailable = 0;
  for (const { pods } of nodes) {
    const [pod, ...more] = pods;
    const serves = pod !== undefined && more.length === 0 && isAvailable(input, pod);
    if (!serves) unavailable += 1;
    if (!pod || more.length > 0 || isOfHash(pod, input.hash) || isTerminating(pod)) continue;
    // An old pod that serves nobody costs nothing.
    (serves ? candidates : broken).push(pod);
  }
  const spare = Math.max(0, maxUnavailable - unavailable);
  return { create: [], delete: [...broken, ...candidates.slice(0, spare)] };
}

function replaceBySurge(input: DaemonSetInput, nodes: readonly DaemonNode[], maxSurge: number): UpdateStep {
  const broken: string[] = [];
  const candidates: string[] = [];
  const end: Readonly<Pod>[] = [];
  let surging = 0;
  for (const { name, pods } of nodes) {
    const alive = pods.filter((pod) => !isTerminating(pod));
    const fresh = alive.find((pod) => isOfHash(pod, input.hash));
    const old = alive.find((pod) => !isOfHash(pod, input.hash));
    if (!old) continue;
    if (fresh) {
      surging += 1;
      if (isAvailable(input, fresh)) end.push(old);
    } else {
      (isAvailable(input, old) ? candidates : broken).push(name);
    }
  }
  return { create: [...broken, ...candidates.slice(0, Math.max(0, maxSurge - surging))], delete: end };
}
