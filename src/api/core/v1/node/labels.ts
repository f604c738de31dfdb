// Labels of nodes that have been renamed, and who still uses the old names.
import { table } from '../../../../apimachinery/table.ts';
import type { NodeSelectorTerm } from '../types.generated.ts';

const renamed = table<string>({
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
});

/** Why a label of nodes should not be used; undefined when nothing is wrong with it. */
export function nodeLabelWarning(key: string): string | undefined {
  return renamed[key];
}

export function nodeSelectorTermWarnings({ matchExpressions = [] }: NodeSelectorTerm, path: string): string[] {
  return matchExpressions.flatMap(({ key }, i) => {
    const why = nodeLabelWarning(key);
    return why ? [`${path}.matchExpressions[${i}].key: ${key} is ${why}`] : [];
  });
}
