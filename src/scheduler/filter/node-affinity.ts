// NodeAffinity: spec.nodeSelector and the required terms of spec.affinity.nodeAffinity.
import { matchesNodeAffinity } from '../../api/core/v1/node/placement.ts';
import { type FilterPlugin, unresolvable } from '../plugin.ts';

export const nodeAffinity: FilterPlugin = ({ pod }) => {
  const { nodeSelector = {}, affinity } = pod.spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (Object.keys(nodeSelector).length === 0 && !required) return undefined;
  return ({ node }) =>
    matchesNodeAffinity(pod.spec, node) ? undefined : unresolvable("node(s) didn't match Pod's node affinity/selector");
};
