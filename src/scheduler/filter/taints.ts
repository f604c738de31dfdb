// NodeUnschedulable, NodeName and TaintToleration.
import { tolerates, untoleratedTaint } from '../../api/core/v1/node/placement.ts';
import type { Taint } from '../../api/core/v1/types.generated.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

export const unschedulableTaint: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

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
    const untolerated = untoleratedTaint(tolerations, node.spec?.taints, ['NoSchedule', 'NoExecute']);
    return untolerated ? unresolvable('node(s) had untolerated taint(s)') : undefined;
  };
};
