// What the runtime has of a pod, in the kubelet's words: the input of the plan and of the status.

import type { LinuxContainerUser } from '../../api/core/v1/types.generated.ts';

export interface ObservedContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  /** How often it was started before. */
  readonly attempt: number;
  /** How often all containers of its pod had been restarted when it was made (restart-rules.ts). */
  readonly podRestarts: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  /** Milliseconds since the epoch; 0 where it has not happened. */
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly reason: string;
  /** The runtime's, or the termination message. */
  readonly message: string;
  /** As the runtime calls it. */
  readonly image: string;
  readonly imageID: string;
  /** As the pod named it when the container was made; empty where that is not known. */
  readonly wantedImage: string;
  /** As whom its first process began; absent where the runtime does not say. */
  readonly user?: LinuxContainerUser;
  /** Paths in it of mounts that are read-only with all that is mounted in them. */
  readonly recursiveReadOnly?: readonly string[];
  /** With which it is asked to end; absent where the runtime does not say. */
  readonly stopSignal?: string;
}

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAt: number;
  readonly ips: readonly string[];
}

/** Newest first, both. */
export interface ObservedPod {
  readonly sandboxes: readonly ObservedSandbox[];
  readonly containers: readonly ObservedContainer[];
}

export const nothing: ObservedPod = { sandboxes: [], containers: [] };

/** The newest container of a name, whichever sandbox it was in. */
export function latest(observed: ObservedPod, name: string): ObservedContainer | undefined {
  return observed.containers.find((c) => c.name === name);
}

/** The newest sandbox, if it is ready. */
export function readySandbox(observed: ObservedPod): ObservedSandbox | undefined {
  const [newest] = observed.sandboxes;
  return newest?.ready ? newest : undefined;
}

/** What was seen, with one that was just made, which is the newest whatever the clock says. */
export function withNewest<T extends { readonly id: string }>(seen: readonly T[], made: T): readonly T[] {
  return [made, ...seen.filter(({ id }) => id !== made.id)];
}
