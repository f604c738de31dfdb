// What a kubelet is given.
import type { Client, Informers } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Files } from '../system/files.ts';
import type { Random } from '../system/random.ts';
import type { Cri } from './cri/client.ts';
import type { HousekeepingSettings } from './housekeeping.ts';

export interface KubeletOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly nodeName: string;
  /** InternalIPs, the primary one first. */
  readonly nodeIPs: readonly string[];
  readonly cri: Cri;
  /** containerd's socket, for its event stream. */
  readonly runtimeSocket: string;
  readonly exec: Exec;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  /** Volumes, logs and termination messages lie below it. */
  readonly rootDir: string;
  /** Parent of the pods' cgroups, from the root of every hierarchy: `/portico-NAME/node-1`. */
  readonly cgroupRoot: string;
  readonly clusterDNS: readonly string[];
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Resolves when pods can be given addresses. */
  readonly networkReady: Promise<void>;
  /** The ranges that addresses of this node's pods are of, also while there is no Node; none before the first. */
  readonly podCIDRs: () => Promise<readonly string[]>;
  /** Shown as the Node's kubeletVersion: `v1.36.2`. */
  readonly version: string;
  /** What differs from upstream's defaults in eviction, image removal and log rotation. */
  readonly housekeeping?: Partial<HousekeepingSettings>;
  /** Folder of the manifests of static pods; without one there are none. */
  readonly staticPodPath?: string;
  /** Kernel settings that pods may make beside the safe ones; a final `*` stands for any rest. */
  readonly allowedUnsafeSysctls?: readonly string[];
  /** Of the node's Lease, which is renewed after each quarter of it. Default 40. */
  readonly nodeLeaseDurationSeconds?: number;
  readonly log: (message: string) => void;
}
