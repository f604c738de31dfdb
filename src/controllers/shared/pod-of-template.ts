import type { Pod, PodTemplateSpec } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

/** The pod that a template makes for its owner, named by the server (upstream GetPodFromTemplate). */
export function podOfTemplate(owner: Readonly<KubeObject>, template: Readonly<PodTemplateSpec> | undefined): Pod {
  const { name, namespace = '' } = owner.metadata;
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-`,
      namespace,
      labels: { ...labels },
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
    },
    spec: jsonCopy(template?.spec ?? { containers: [] }),
  };
}
