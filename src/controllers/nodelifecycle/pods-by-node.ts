import type { Pod } from '../../api/core/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import type { Informer } from '../../client/types.ts';

/** The pods of a node, kept up to date by an informer. */
export function createPodsByNode(informer: Informer<Pod>): (nodeName: string) => Readonly<Pod>[] {
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
