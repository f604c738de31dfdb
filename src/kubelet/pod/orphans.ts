// What an earlier kubelet left of pods that the API no longer has: their containers are ended, and their volumes go.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import type { Clock } from '../../system/clock.ts';
import type { Cri } from '../cri/client.ts';
import type { PodSandbox } from '../cri/messages.ts';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import { annotations, labels } from './identity.ts';

export interface OrphansOptions {
  readonly cri: Pick<Cri, 'listPodSandbox'>;
  readonly volumes: Pick<VolumeManager, 'known' | 'tearDown'>;
  readonly clock: Clock;
  readonly log: (message: string) => void;
  /** Whether somebody looks after the pod. */
  readonly isKnown: (uid: string) => boolean;
  /** Looks after a pod that is to end; of its specification nothing is known but the grace period. */
  readonly end: (pod: Pod) => void;
}

/** Milliseconds after which a runtime that did not answer is asked again. */
const retry = 1000;

/** Waits until the runtime answers, which may start beside the agent: what runs cannot be known before. Never rejects. */
export async function endOrphans(options: OrphansOptions, signal: AbortSignal): Promise<void> {
  const { cri, volumes, clock, log, isKnown, end } = options;
  let sandboxes: readonly PodSandbox[] | undefined;
  while (!sandboxes && !signal.aborted) {
    sandboxes = await cri.listPodSandbox().catch(() => undefined);
    if (!sandboxes) await clock.sleep(retry, signal).catch(() => {});
  }
  for (const sandbox of sandboxes ?? []) {
    const orphan = podOf(sandbox);
    if (orphan && !isKnown(orphan.metadata.uid)) end(orphan);
  }
  if (!sandboxes) return;
  for (const uid of await volumes.known()) {
    if (isKnown(uid)) continue;
    await volumes
      .tearDown(uid)
      .catch((error: unknown) => log(`the volumes of pod ${uid} stay: ${errorMessage(error)}`));
  }
}

function podOf({ labels: said, annotations: more }: PodSandbox) {
  const uid = said[labels.podUID];
  const name = said[labels.podName];
  if (!uid || !name) return undefined;
  const terminationGracePeriodSeconds = Number(more[annotations.terminationGracePeriod] ?? 30);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: said[labels.podNamespace] ?? 'default', uid },
    spec: { containers: [], terminationGracePeriodSeconds },
  } satisfies Pod;
}
