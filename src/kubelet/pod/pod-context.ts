// What the workers of all pods of a node share.
import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EventRecorder } from '../../client/events.ts';
import type { Lister } from '../../client/types.ts';
import type { KubeletOptions } from '../options.ts';
import type { ProbeMetrics } from '../probes/probe-metrics.ts';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import type { ResizeRefusal } from './allocation.ts';
import type { ClusterDNS } from './dns-settings.ts';
import type { ImagePuller } from './images.ts';
import type { PodSources } from './pod-sources.ts';
import type { NodeResources } from './resources.ts';
import type { RuntimeReader } from './runtime.ts';
import type { UserNamespaces } from './user-namespaces.ts';

export interface PodContext {
  readonly options: KubeletOptions;
  readonly recorder: EventRecorder;
  readonly reader: RuntimeReader;
  readonly volumes: VolumeManager;
  readonly userNamespaces: UserNamespaces;
  readonly images: ImagePuller;
  readonly sources: PodSources;
  readonly services: Lister<Service>;
  readonly nodes: Lister<Node>;
  readonly dns: () => Promise<ClusterDNS>;
  /** Why a pod of the node cannot have the resources that it asks for; undefined when it can. */
  readonly resizeRefusal: (pod: Pod) => ResizeRefusal | undefined;
  readonly probeMetrics: ProbeMetrics;
  readonly logRoot: string;
  readonly nodeResources: NodeResources;
  /** The pod is gone from the node. */
  readonly finished: (pod: Pod) => void;
}
