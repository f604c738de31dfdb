import type { Pod } from '../../api/core/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import type { Informer } from '../../client/types.ts';

export type PodsByNode = (nodeName: string) => Readonly<Pod>[];

const known = new WeakMap<Informer<Pod>, PodsByNode>();

/** The pods of a node, kept up to date by an informer: once for all who share it. */
export function podsByNode(informer: Informer<Pod>): PodsByNode {
  const present = known.get(informer);
  if (present) return present;
  const index = createIndex(informer);
  known.set(informer, index);
  return index;
}

function createIndex(informer: Informer<Pod>): PodsByNode {
  const nodes = new Map<string, Map<string, Readonly<Pod>>>();
  const note = (pod: Readonly<Pod>) => {
    const { nodeName } = pod.spec;
    if (!nodeName) return;
    const onNode = nodes.get(nodeName) ?? new Map<string, Readonly<Pod>>();
    onNode.set(objectKey(pod), pod);
    nodes.set(nodeName, onNode);
  };
  informer.addHandler({
    added: note,
    updated: note,
    deleted(pod) {
      const onNode = nodes.get(pod.spec.nodeName ?? '');
      onNode?.delete(objectKey(pod));
      if (onNode?.size === 0) nodes.delete(pod.spec.nodeName ?? '');
    },
  });
  return (nodeName) => [...(nodes.get(nodeName)?.values() ?? [])];
}
