// Sees to it that the claims of a pod are bound before the pod is: those that waited for their first pod are given a volume,
// or the node on which one is to be made (upstream's VolumeBinding, PreBind).
import { selectedNode } from '../api/core/v1/persistentvolume/matching.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../api/core/v1/types.generated.ts';
import { persistentVolumeClaims, persistentVolumes } from '../client/resources.ts';
import type { Client, Informer } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import { choicesFor, sortClaims, type VolumeChoice } from './filter/volumes.ts';
import type { PodContext } from './plugin.ts';

/** Milliseconds: upstream's bindTimeoutSeconds. */
const timeout = 600_000;

export interface VolumeClaimsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly view: PodContext['volumes'];
}

export class VolumeClaims {
  readonly #options: VolumeClaimsOptions;
  /** Told when a claim changes. */
  readonly #waiting = new Set<() => void>();

  constructor(options: VolumeClaimsOptions) {
    this.#options = options;
  }

  /** To be called once, before the informers run. */
  follow(): void {
    const changed = () => {
      for (const look of this.#waiting) look();
    };
    this.#options.claims.addHandler({ updated: changed, deleted: changed });
  }

  /** Undefined when there is nothing to wait for; rejects when a claim cannot be bound on the node. */
  bind(pod: Readonly<Pod>, node: Readonly<Node>): Promise<void> | undefined {
    if (!pod.spec.volumes?.some((v) => v.persistentVolumeClaim || v.ephemeral)) return undefined;
    const found = sortClaims(pod, this.#options.view);
    if (typeof found === 'string') throw new Error(found);
    if (found.delayed.length === 0) return undefined;
    const choices = choicesFor(found.delayed, node, this.#options.view);
    if (!choices) throw new Error(`node ${node.metadata.name} has no volumes for the pod any more`);
    return this.#bind(choices, node.metadata.name);
  }

  async #bind(choices: readonly VolumeChoice[], nodeName: string): Promise<void> {
    const { client } = this.#options;
    for (const { claim, volume } of choices) {
      const { name, namespace, uid } = claim.metadata;
      if (volume) {
        if (volume.spec?.claimRef) continue;
        const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid };
        const { resourceVersion } = volume.metadata;
        const body = { metadata: { resourceVersion }, spec: { claimRef } };
        await client
          .resource<PersistentVolume>(persistentVolumes)
          .patch({ name: volume.metadata.name, type: 'merge', body });
      } else {
        const body = { metadata: { uid, annotations: { [selectedNode]: nodeName } } };
        const claims = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
        await claims.patch({ name, ...(namespace && { namespace }), type: 'merge', body });
      }
    }
    await this.#untilBound(choices.map(({ claim }) => claim));
  }

  #untilBound(claims: readonly Readonly<PersistentVolumeClaim>[]): Promise<void> {
    const { clock, view } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeout, () => end(new Error('timed out waiting for the claims to be bound')));
      const end = (error?: Error) => {
        this.#waiting.delete(look);
        timer.cancel();
        if (error) reject(error);
        else resolve();
      };
      const look = () => {
        const now = claims.map(({ metadata }) => view.claim(metadata.name, metadata.namespace ?? ''));
        if (now.some((claim) => !claim)) end(new Error('a claim of the pod is gone'));
        else if (now.every((claim) => claim?.spec?.volumeName && claim.status?.phase === 'Bound')) end();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
