// VolumeBinding: where a pod may go for the sake of its volumes, and which volumes its claims get there.
import { matchesTerm } from '../../api/core/v1/node/placement.ts';
import {
  bindCompleted,
  classNameOf,
  compareForClaim,
  fitsClaim,
  noProvisioner,
  requestedSize,
  selectedNode,
} from '../../api/core/v1/persistentvolume/matching.ts';
import { claimNameOf } from '../../api/core/v1/pod/facts.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/core/v1/types.generated.ts';
import type { StorageClass } from '../../api/storage/v1/types.generated.ts';
import { ownValue } from '../../apimachinery/table.ts';
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

export function isClaimOf({ metadata }: Claim, pod: Readonly<Pod>): boolean {
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
  for (const mounted of spec.volumes ?? []) {
    const name = claimNameOf(pod, mounted);
    if (name === undefined) continue;
    const { ephemeral } = mounted;
    const claim = claimOf(name, metadata.namespace ?? '');
    if (!claim) {
      const what = `persistentvolumeclaim "${name}"`;
      return ephemeral ? `waiting for ephemeral volume controller to create the ${what}` : `${what} not found`;
    }
    const { volumeName } = claim.spec ?? {};
    if (claim.status?.phase === 'Lost') {
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName ?? ''}"`;
    }
    if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`;
    if (ephemeral && !isClaimOf(claim, pod)) {
      const { namespace = '', name: podName } = metadata;
      return `PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`;
    }
    if (volumeName && claim.metadata.annotations?.[bindCompleted] !== undefined) {
      const volume = volumeOf(volumeName);
      if (!volume) return `persistentvolume "${volumeName}" not found`;
      bound.push(volume);
    } else if (!volumeName && storageClass(classNameOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer') {
      delayed.push(claim);
    } else immediate.push(claim);
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
  // The smallest first: a larger claim must not take what would have done for it.
  for (const claim of claims.toSorted((a, b) => requestedSize(a) - requestedSize(b))) {
    const chosen = claim.metadata.annotations?.[selectedNode];
    if (chosen !== undefined && chosen !== node.metadata.name) return undefined;
    const isFree = (one: Volume) =>
      fitsClaim(one, claim) && isReachable(one, node) && !choices.some(({ volume }) => volume === one);
    // One that is being made on the node is waited for.
    const [volume] =
      chosen === undefined
        ? all()
            .filter(isFree)
            .sort((a, b) => compareForClaim(a, b, claim))
        : [];
    if (!volume && !canProvision(storageClass(classNameOf(claim)), node)) return undefined;
    choices.push({ claim, volume });
  }
  return choices;
}

function canProvision(storageClass: Readonly<StorageClass> | undefined, { metadata }: Readonly<Node>): boolean {
  const { provisioner = noProvisioner, allowedTopologies = [] } = storageClass ?? {};
  if (provisioner === noProvisioner) return false;
  const isAllowed = allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => values.includes(ownValue(metadata.labels, key) ?? '')),
  );
  return isAllowed || allowedTopologies.length === 0;
}

export function isReachable({ spec }: Volume, node: Readonly<Node>): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(node, term));
}
