// Sees to it that the claims of a pod are bound before the pod is: those that waited for their first pod are given a volume,
// or the node on which one is to be made (upstream's VolumeBinding, PreBind).
import { selectedNode } from '../api/core/v1/persistentvolume/matching.ts';
import type {
  Node,
  ObjectReference,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
} from '../api/core/v1/types.generated.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import { persistentVolumeClaims, persistentVolumes } from '../client/resources.ts';
import type { Client, Informer } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import { choicesFor, isReachable, sortClaims, type VolumeChoice } from './filter/volumes.ts';
import type { PodContext } from './plugin.ts';

/** Milliseconds: upstream's bindTimeoutSeconds. */
const timeout = 600_000;

export interface VolumeClaimsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  /** What the API tells. */
  readonly told: PodContext['volumes'];
}

export class VolumeClaims {
  readonly #options: VolumeClaimsOptions;
  /** Told when a claim or volume changes. */
  readonly #waiting = new Set<() => void>();
  /** Being written: the node chosen for a claim, by its uid. */
  readonly #nodes = new Map<string | undefined, string>();
  /** Being written: the claim that a volume is kept for, by the volume's name. */
  readonly #kept = new Map<string, ObjectReference>();
  /** What the API tells, with what is being written (upstream's AssumeCache): who is decided next must not choose the same. */
  readonly view: PodContext['volumes'];

  constructor(options: VolumeClaimsOptions) {
    this.#options = options;
    const { told } = options;
    this.view = {
      ...told,
      claim: (name, namespace) => this.#withNode(told.claim(name, namespace)),
      all: () => (this.#kept.size === 0 ? told.all() : told.all().map((volume) => this.#withClaim(volume))),
    };
  }

  #withNode(claim: Readonly<PersistentVolumeClaim> | undefined): Readonly<PersistentVolumeClaim> | undefined {
    const node = this.#nodes.get(claim?.metadata.uid);
    if (!claim || node === undefined || claim.metadata.annotations?.[selectedNode] !== undefined) return claim;
    const annotations = { ...claim.metadata.annotations, [selectedNode]: node };
    return { ...claim, metadata: { ...claim.metadata, annotations } };
  }

  #withClaim(volume: Readonly<PersistentVolume>): Readonly<PersistentVolume> {
    const claimRef = this.#kept.get(volume.metadata.name);
    return claimRef && !volume.spec?.claimRef ? { ...volume, spec: { ...volume.spec, claimRef } } : volume;
  }

  /** To be called once, before the informers run. */
  follow(): void {
    const changed = () => {
      for (const look of this.#waiting) look();
    };
    this.#options.claims.addHandler({ updated: changed, deleted: changed });
    this.#options.volumes.addHandler({ added: changed, updated: changed });
  }

  /** Undefined when there is nothing to wait for; rejects when a claim cannot be bound on the node. */
  bind(pod: Readonly<Pod>, node: Readonly<Node>): Promise<void> | undefined {
    if (!pod.spec.volumes?.some((v) => v.persistentVolumeClaim || v.ephemeral)) return undefined;
    const found = sortClaims(pod, this.view);
    if (typeof found === 'string') throw new Error(found);
    if (found.delayed.length === 0) return undefined;
    const choices = choicesFor(found.delayed, node, this.view);
    if (!choices) throw new Error(`node ${node.metadata.name} has no volumes for the pod any more`);
    return this.#bind(choices, node);
  }

  async #bind(choices: readonly VolumeChoice[], node: Readonly<Node>): Promise<void> {
    for (const { claim, volume } of choices) {
      if (volume) this.#kept.set(volume.metadata.name, referenceTo(claim));
      else this.#nodes.set(claim.metadata.uid, node.metadata.name);
    }
    try {
      await this.#write(choices, node.metadata.name);
      await this.#untilBound(choices, node);
    } finally {
      for (const { claim, volume } of choices) {
        if (volume) this.#kept.delete(volume.metadata.name);
        else this.#nodes.delete(claim.metadata.uid);
      }
    }
  }

  async #write(choices: readonly VolumeChoice[], nodeName: string): Promise<void> {
    const { client } = this.#options;
    for (const { claim, volume } of choices) {
      const { name, namespace, uid } = claim.metadata;
      if (volume) {
        if (volume.spec?.claimRef) continue;
        const { resourceVersion } = volume.metadata;
        const body = { metadata: { resourceVersion }, spec: { claimRef: referenceTo(claim) } };
        await client
          .resource<PersistentVolume>(persistentVolumes)
          .patch({ name: volume.metadata.name, type: 'merge', body });
      } else {
        const body = { metadata: { uid, annotations: { [selectedNode]: nodeName } } };
        const claims = client.resource<PersistentVolumeClaim>(persistentVolumeClaims);
        await claims.patch({ name, ...(namespace && { namespace }), type: 'merge', body });
      }
    }
  }

  /** Rejects when one of the claims is gone, nobody makes its volume on the node, or it got one that the node does not reach. */
  #untilBound(choices: readonly VolumeChoice[], node: Readonly<Node>): Promise<void> {
    const { clock, told } = this.#options;
    const asked = new Set<VolumeChoice>();
    /** Whether the claim is bound. */
    const isBound = (choice: VolumeChoice): boolean => {
      const { name, namespace = '', uid } = choice.claim.metadata;
      const now = told.claim(name, namespace);
      if (now?.metadata.uid !== uid) throw new Error('a claim of the pod is gone');
      if (now?.spec?.volumeName && now.status?.phase === 'Bound') {
        const volume = told.volume(now.spec.volumeName);
        if (!volume || isReachable(volume, node)) return volume !== undefined;
        const pair = `pv "${volume.metadata.name}" node affinity doesn't match node "${node.metadata.name}"`;
        throw new Error(`${pair}: no matching NodeSelectorTerms`);
      }
      // Whoever cannot make the volume there takes the node away again, for another to be chosen.
      if (now?.metadata.annotations?.[selectedNode] === node.metadata.name) asked.add(choice);
      else if (asked.has(choice)) throw new Error(`provisioning failed for PVC "${name}"`);
      return false;
    };
    return new Promise((resolve, reject) => {
      const timer = clock.after(timeout, () => end('context deadline exceeded'));
      /** Upstream's words. */
      const end = (why?: string) => {
        this.#waiting.delete(look);
        timer.cancel();
        if (why !== undefined) reject(new Error(`binding volumes: ${why}`));
        else resolve();
      };
      const look = () => {
        try {
          if (choices.map(isBound).every(Boolean)) end();
        } catch (error) {
          end(errorMessage(error));
        }
      };
      this.#waiting.add(look);
      look();
    });
  }
}

function referenceTo({ metadata }: Readonly<PersistentVolumeClaim>): ObjectReference {
  const { name, namespace, uid } = metadata;
  const where = { ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, ...where };
}
