// NodeUnschedulable, NodeName and TaintToleration.
import type { Taint, Toleration } from '../../api/core/v1/types.generated.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

const unschedulableTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = ({ pod }) => {
  const tolerated = (pod.spec.tolerations ?? []).some((t) => tolerates(t, unschedulableTaint));
  if (tolerated) return undefined;
  return ({ node }) => (node.spec?.unschedulable ? unresolvable('node(s) were unschedulable') : undefined);
};

export const nodeName: FilterPlugin = ({ pod }) => {
  const wanted = pod.spec.nodeName;
  if (!wanted) return undefined;
  return ({ node }) =>
    node.metadata.name === wanted ? undefined : unresolvable("node(s) didn't match the requested node name");
};

export const taintToleration: FilterPlugin = ({ pod }) => {
  const tolerations = pod.spec.tolerations ?? [];
  return ({ node }) => {
    const untolerated = (node.spec?.taints ?? []).some(
      (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((t) => tolerates(t, taint)),
    );
    return untolerated ? unresolvable('node(s) had untolerated taint(s)') : undefined;
  };
};

/** core/v1 Toleration.ToleratesTaint. */
export function tolerates(toleration: Readonly<Toleration>, taint: Readonly<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  if (!toleration.key && toleration.operator !== 'Exists') return false;
  const [own, theirs] = [toleration.value ?? '', taint.value ?? ''];
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    case 'Lt':
      return Number(theirs) < Number(own);
    case 'Gt':
      return Number(theirs) > Number(own);
    default:
      return own === theirs;
  }
}
