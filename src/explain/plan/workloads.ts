// Pods that go when a workload is given fewer, as its controller would pick them; of those that come, that they do.
import type {
  Deployment,
  DeploymentSpec,
  ReplicaSet,
  StatefulSet,
  StatefulSetSpec,
} from '../../api/apps/v1/types.generated.ts';
import { internalIPs } from '../../api/core/v1/node/facts.ts';
import type { Node, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { deletionOrder } from '../../controllers/shared/deletion-order.ts';
import { isPodActive } from '../../controllers/shared/pods.ts';
import { idOf } from '../object-id.ts';

type Workload = (Deployment | ReplicaSet | StatefulSet) & { readonly kind: string };

/** Kinds whose pods this knows. */
export const workloadKinds: readonly string[] = ['Deployment', 'ReplicaSet', 'StatefulSet'];

export interface Settled {
  readonly objects: readonly KubeObject[];
  /** What is not known of pods that come, in sentences. */
  readonly notes: readonly string[];
}

/** The objects after a change without the pods that it costs. `now` is milliseconds since the epoch. */
export function settleWorkloads(before: readonly KubeObject[], after: readonly KubeObject[], now: number): Settled {
  const earlier = new Map(before.filter(isWorkload).map((object) => [idOf(object), object]));
  const { objects, notes } = withAddresses(before, after);
  const pods = objects.filter((object): object is Pod & KubeObject => object.kind === 'Pod');
  const gone = new Set<string>();
  for (const object of after.filter(isWorkload)) {
    const was = earlier.get(idOf(object));
    const [from, to] = [was?.spec?.replicas ?? (was ? 1 : 0), object.spec?.replicas ?? 1];
    if (was && !jsonEqual(was.spec?.template, object.spec?.template)) {
      notes.push(replacementNote(object));
    }
    if (to > from) {
      const pods = to - from === 1 ? '1 more pod' : `${to - from} more pods`;
      notes.push(`${pods} of ${idOf(object)}: addresses are known when they run`);
    }
    const own = pods.filter((pod) => isPodActive(pod) && isOf(pod, object));
    for (const pod of surplus(object, own, { count: from - to, now })) gone.add(idOf(pod));
  }
  return { objects: objects.filter((object) => !gone.has(idOf(object))), notes };
}

/** New pods on the network of a node have its addresses; those of others nobody knows yet. */
function withAddresses(before: readonly KubeObject[], after: readonly KubeObject[]) {
  const present = new Set(before.map(idOf));
  const nodes = new Map(after.flatMap((object) => (object.kind === 'Node' ? [[object.metadata.name, object]] : [])));
  const notes: string[] = [];
  const objects = after.map((object) => {
    if (object.kind !== 'Pod' || present.has(idOf(object))) return object;
    const pod = object as Pod & KubeObject;
    if (pod.status?.podIP) return pod;
    const node = pod.spec.hostNetwork ? (nodes.get(pod.spec.nodeName ?? '') as Node | undefined) : undefined;
    const [podIP, ...more] = node ? internalIPs(node) : [];
    if (!node || podIP === undefined) {
      notes.push(`${idOf(pod)}: its address is known when it runs`);
      return pod;
    }
    notes.push(`${idOf(pod)}: it has the address of ${node.metadata.name}, and is foreseen as it is once it is ready`);
    const podIPs = [podIP, ...more].map((ip) => ({ ip }));
    const conditions = [{ type: 'Ready', status: 'True' }];
    return { ...pod, status: { ...pod.status, phase: 'Running', podIP, podIPs, conditions } };
  });
  return { objects, notes };
}

/** What becomes of pods when the template that they were made by is another. */
function replacementNote(object: Workload & KubeObject): string {
  const id = idOf(object);
  const { paused = false } = object.spec as DeploymentSpec;
  const { updateStrategy: { type, rollingUpdate } = {} } = object.spec as StatefulSetSpec;
  if (object.kind === 'ReplicaSet') return `pods of ${id} stay as they are: only those that come have the new template`;
  if (paused) return `${id} is paused: its pods stay as they are until it goes on (kubectl rollout resume)`;
  if (type === 'OnDelete')
    return `pods of ${id} stay as they are until somebody deletes them (updateStrategy: OnDelete)`;
  const { partition = 0 } = rollingUpdate ?? {};
  const which = partition > 0 ? `every pod of ${id} from the ordinal ${partition} on` : `every pod of ${id}`;
  return `${which} is made anew: addresses are known when they run`;
}

function isWorkload(object: KubeObject): object is Workload & KubeObject {
  return workloadKinds.includes(object.kind ?? '');
}

/** A Deployment's pods are those of its ReplicaSets, which are named for it and for the hash of their template. */
function isOf(pod: Pod, { kind, metadata }: Workload): boolean {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner || pod.metadata.namespace !== metadata.namespace) return false;
  if (kind !== 'Deployment') return owner.kind === kind && owner.name === metadata.name;
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return owner.kind === 'ReplicaSet' && owner.name === `${metadata.name}-${hash}`;
}

function surplus(
  { kind }: Workload,
  own: readonly Pod[],
  { count, now }: { readonly count: number; readonly now: number },
): readonly Readonly<Pod>[] {
  if (count <= 0) return [];
  const ordinal = ({ metadata }: Readonly<Pod>) => Number(/\d+$/.exec(metadata.name)?.[0] ?? 0);
  const order = kind === 'StatefulSet' ? own.toSorted((a, b) => ordinal(b) - ordinal(a)) : deletionOrder(own, own, now);
  return order.slice(0, count);
}
