// What a plugin is asked with, for tests: nothing is there but what they say.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodContext } from '../plugin.ts';

interface Parts extends Partial<Omit<PodContext, 'pod' | 'nodes' | 'volumes'>> {
  readonly volumes?: Partial<PodContext['volumes']>;
}

export function podContext(pod: Pod, nodes: readonly NodeInfo[], { volumes, ...parts }: Parts = {}): PodContext {
  return {
    pod,
    nodes,
    namespaceLabels: () => undefined,
    serviceSelector: () => undefined,
    imageNodes: () => undefined,
    ...parts,
    volumes: { ...noVolumes, ...volumes },
  };
}

export const noVolumes: PodContext['volumes'] = {
  claim: () => undefined,
  volume: () => undefined,
  all: () => [],
  storageClass: () => undefined,
  csiNode: () => undefined,
  attachments: () => [],
};
