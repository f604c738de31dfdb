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
    await this.#untilBound(choices, nodeName);
  }

  /** Rejects when one of the claims is gone, or nobody makes its volume on the node. */
  #untilBound(choices: readonly VolumeChoice[], nodeName: string): Promise<void> {
    const { clock, view } = this.#options;
    const asked = new Set<VolumeChoice>();
    /** Whether the claim is bound. */
    const isBound = (choice: VolumeChoice): boolean => {
      const { name, namespace = '', uid } = choice.claim.metadata;
      const now = view.claim(name, namespace);
      if (now?.metadata.uid !== uid) throw new Error('a claim of the pod is gone');
      if (now?.spec?.volumeName && now.status?.phase === 'Bound') return true;
      // Whoever cannot make the volume there takes the node away again, for another to be chosen.
      if (now?.metadata.annotations?.[selectedNode] === nodeName) asked.add(choice);
      else if (asked.has(choice)) throw new Error(`provisioning failed for PVC "${name}"`);
      return false;
    };
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeout, () => end(new Error('timed out waiting for the claims to be bound')));
      const end = (error?: unknown) => {
        this.#waiting.delete(look);
        timer.cancel();
        if (error) reject(error);
        else resolve();
      };
      const look = () => {
        try {
          if (choices.map(isBound).every(Boolean)) end();
        } catch (error) {
          end(error);
        }
      };
      this.#waiting.add(look);
      look();
    });
  }
}
