// VolumeBinding and VolumeZone: where a pod may go for the sake of its volumes, and which volumes its claims get there.
import { matchesTerm } from '../../api/core/v1/node/placement.ts';
import {
  compareForClaim,
  fitsClaim,
  noProvisioner,
  selectedNode,
} from '../../api/core/v1/persistentvolume/matching.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import { isPlayed } from '../node-info.ts';
import { type FilterPlugin, type NodeFilter, type PodContext, type PreFilter, unresolvable } from '../plugin.ts';

type Claim = Readonly<PersistentVolumeClaim>;
type Volume = Readonly<PersistentVolume>;

const unbound = 'pod has unbound immediate PersistentVolumeClaims';

/** Claims that are not there, or that the pod waits for. */
export const missingVolumes: PreFilter = ({ pod, volumes, nodes }) => {
  const found = sortClaims(pod, volumes);
  if (typeof found === 'string') return { refusal: found };
  return found.immediate.length > 0 && !nodes.some(isPlayed) ? { refusal: unbound } : undefined;
};

export const volumeBinding: FilterPlugin = ({ pod, volumes }) => {
  const found = sortClaims(pod, volumes);
  if (typeof found === 'string') return () => unresolvable(found);
  const { bound, delayed, immediate } = found;
  const required = bound.flatMap(({ spec }) => spec?.nodeAffinity?.required ?? []);
  const filters: NodeFilter[] = [];
  if (immediate.length > 0) filters.push((info) => (isPlayed(info) ? undefined : unresolvable(unbound)));
  if (required.length > 0) {
    filters.push(({ node }) =>
      required.every(({ nodeSelectorTerms }) => nodeSelectorTerms.some((term) => matchesTerm(node, term)))
        ? undefined
        : unresolvable("node(s) didn't match PersistentVolume's node affinity"),
    );
  }
  if (delayed.length > 0) {
    filters.push(({ node }) =>
      choicesFor(delayed, node, volumes)
        ? undefined
        : unresolvable("node(s) didn't find available persistent volumes to bind"),
    );
  }
  if (filters.length === 0) return undefined;
  return (info) => {
    for (const filter of filters) {
      const rejection = filter(info);
      if (rejection) return rejection;
    }
    return undefined;
  };
};

export interface SortedClaims {
  /** Volumes that claims of the pod are bound to. */
  readonly bound: readonly Volume[];
  /** Claims that get their volume when their pod has a node. */
  readonly delayed: readonly Claim[];
  /** Claims that the pod waits for. */
  readonly immediate: readonly Claim[];
}

function isClaimOf({ metadata }: Claim, pod: Readonly<Pod>): boolean {
  return metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid) ?? false;
}

/** A string says why the pod can go nowhere. */
export function sortClaims(
  pod: Readonly<Pod>,
  { claim: claimOf, volume: volumeOf, storageClass }: PodContext['volumes'],
): SortedClaims | string {
  const bound: Volume[] = [];
  const delayed: Claim[] = [];
  const immediate: Claim[] = [];
  const { metadata, spec } = pod;
  for (const { name: volumeName, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    const name = persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${volumeName}`);
    if (name === undefined) continue;
    const claim = claimOf(name, metadata.namespace ?? '');
    if (!claim) {
      const what = `persistentvolumeclaim "${name}"`;
      return ephemeral ? `waiting for ephemeral volume controller to create the ${what}` : `${what} not found`;
    }
    if (ephemeral && !isClaimOf(claim, pod)) {
      const { namespace = '', name: podName } = metadata;
      return `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`;
    }
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`;
    const volume = claim.spec?.volumeName && volumeOf(claim.spec.volumeName);
    if (volume) bound.push(volume);
    else if (storageClass(claim.spec?.storageClassName ?? '')?.volumeBindingMode === 'WaitForFirstConsumer')
      delayed.push(claim);
    else immediate.push(claim);
  }
  return { bound, delayed, immediate };
}

export interface VolumeChoice {
  readonly claim: Claim;
  /** A volume that is there; undefined where one is to be made on the node. */
  readonly volume: Volume | undefined;
}

/** What each claim gets on the node; undefined when one can get nothing there. */
export function choicesFor(
  claims: readonly Claim[],
  node: Readonly<Node>,
  { all, storageClass }: PodContext['volumes'],
): VolumeChoice[] | undefined {
  const choices: VolumeChoice[] = [];
  for (const claim of claims) {
    const chosen = claim.metadata.annotations?.[selectedNode];
    if (chosen !== undefined && chosen !== node.metadata.name) return undefined;
    const [volume] = all()
      .filter((one) => fitsClaim(one, claim) && isReachable(one, node) && !choices.some((c) => c.volume === one))
      .sort((a, b) => compareForClaim(a, b, claim));
    const provisioner = storageClass(claim.spec?.storageClassName ?? '')?.provisioner ?? noProvisioner;
    if (!volume && provisioner === noProvisioner) return undefined;
    choices.push({ claim, volume });
  }
  return choices;
}

function isReachable({ spec }: Volume, node: Readonly<Node>): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(node, term));
}
