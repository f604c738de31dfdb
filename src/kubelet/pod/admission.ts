// Whether a pod that was bound to this node may run on it: what the kubelet checks itself, since binding may go past the
// scheduler. Reasons and words are upstream's (pkg/kubelet/lifecycle/predicate.go).

import { matchesNodeAffinity, untoleratedTaint } from '../../api/core/v1/node/placement.ts';
import { clash, hostPortsOf } from '../../api/core/v1/pod/facts.ts';
import { podRequests } from '../../api/core/v1/pod/resources.ts';
import type { Container, Node, Pod } from '../../api/core/v1/types.generated.ts';
import { quantityValue } from '../../apimachinery/quantity.ts';
import { type Amounts, parseAmounts } from '../../apimachinery/resource-list.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { ResizeRefusal } from './allocation.ts';
import { containersOf } from './containers.ts';
import { isCritical } from './identity.ts';
import type { Verdict } from './pod-status.ts';
import { amountOf, podsToPreempt } from './preemption.ts';
import { forbiddenSysctl } from './sysctls.ts';

export interface AdmissionInput {
  readonly pod: Pod;
  readonly node: Readonly<Node>;
  /** The pods that the node runs, or was told to run before. */
  readonly others: readonly Pod[];
  /** Kernel settings that pods may make beside the safe ones. */
  readonly allowedSysctls?: readonly string[];
}

export interface Admission {
  /** Why the pod may not run. */
  readonly refused?: Verdict | undefined;
  /** Pods that end so that it fits. */
  readonly preempted?: readonly Pod[];
}

/** Whether the pod may run; it is refused for the first reason in the order in which upstream asks. */
export function admission(input: AdmissionInput): Admission {
  const { pod, node, allowedSysctls = [] } = input;
  const sysctl = forbiddenSysctl(pod, allowedSysctls);
  if (sysctl !== undefined) return { refused: rejected('SysctlForbidden', sysctl) };
  const short = shortages(input);
  // Of a critical pod it is no reason that others have what it asks for.
  const early = unsupported(pod, node) ?? (isCritical(pod) ? undefined : short.map(shortageVerdict)[0]);
  const refused = early ?? misplaced(input) ?? wantsAppArmor(pod);
  return refused || short.length === 0 ? { refused } : makeRoom(input, short);
}

function makeRoom({ pod, others }: AdmissionInput, short: readonly Shortage[]): Admission {
  const needs = short.map(({ name, wanted, used, capacity }) => ({ name, amount: wanted - (capacity - used) }));
  const found = podsToPreempt(pod, others, needs);
  if (typeof found !== 'string') return { preempted: found };
  const why = `preemption: error finding a set of pods to preempt: ${found}`;
  const message = `Unexpected error while attempting to recover from admission failure: ${why}`;
  return { refused: rejected('UnexpectedAdmissionError', message) };
}

const osLabel = 'kubernetes.io/os';

function unsupported({ metadata, spec }: Pod, node: Readonly<Node>): Verdict | undefined {
  const failed = 'Failed to admit pod as the';
  const labelled = ownValue(metadata.labels, osLabel) ?? 'linux';
  if (labelled !== 'linux')
    return rejected('PodOSSelectorNodeLabelDoesNotMatch', `${failed} \`${osLabel}\` label doesn't match node label`);
  if (spec.os && spec.os.name !== 'linux')
    return rejected('PodOSNotSupported', `${failed} OS field doesn't match node OS`);
  const isStrict = spec.securityContext?.supplementalGroupsPolicy === 'Strict';
  if (!isStrict || node.status?.features?.supplementalGroupsPolicy) return undefined;
  const message = 'SupplementalGroupsPolicy=Strict is not supported in this node';
  return rejected('SupplementalGroupsPolicyNotSupported', message);
}

/** What the scheduler's plugins say of a pod that did not ask them. */
function misplaced({ pod, node, others }: AdmissionInput): Verdict | undefined {
  const failed = (plugin: string, why: string) => rejected(plugin, `Predicate ${plugin} failed: node(s) ${why}`);
  if (!matchesNodeAffinity(pod.spec, node)) return failed('NodeAffinity', "didn't match Pod's node affinity/selector");
  const taken = others.flatMap(hostPortsOf);
  if (hostPortsOf(pod).some((port) => taken.some((other) => clash(port, other))))
    return failed('NodePorts', "didn't have free ports for the requested pod ports");
  if (untoleratedTaint(pod.spec.tolerations, node.spec?.taints, ['NoExecute']))
    return failed('TaintToleration', "had taints that the pod didn't tolerate");
  return undefined;
}

/** Containers run without it on every machine: Portico's containerd is configured so. */
function wantsAppArmor(pod: Pod): Verdict | undefined {
  const profileOf = ({ securityContext }: Container) =>
    securityContext?.appArmorProfile ?? pod.spec.securityContext?.appArmorProfile ?? { type: 'Unconfined' };
  if (containersOf(pod).every(({ container }) => profileOf(container).type === 'Unconfined')) return undefined;
  return rejected('AppArmor', 'Cannot enforce AppArmor: AppArmor is not enabled on the host');
}

/** Why a pod of the node cannot have the resources that it asks for now; undefined when it can. */
export function resizeRefusal({ pod, node, others }: AdmissionInput): ResizeRefusal | undefined {
  const capacity = parseAmounts(node.status?.allocatable);
  for (const [name, quantity] of Object.entries(podRequests(pod))) {
    const there = ownValue(capacity, name);
    if (!there || (name !== 'cpu' && name !== 'memory') || amountOf(name, quantity) <= amountOf(name, there)) continue;
    const numbers = `requested: ${amountOf(name, quantity)}, capacity: ${amountOf(name, there)}`;
    return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, ${numbers}` };
  }
  const [why] = shortages({ pod, node, others }).map(shortageVerdict);
  return why && { reason: 'Deferred', message: why.message.replace(rejection, '') };
}

const rejection = 'Pod was rejected: ';

function rejected(reason: string, message: string): Verdict {
  return { reason, message: `${rejection}${message}` };
}

/** What the node has too little of. Of what the node does not speak of (it is new, or another gives it) nothing is known. */
function shortages({ pod, node, others }: AdmissionInput): Shortage[] {
  const capacity = parseAmounts(node.status?.allocatable);
  const most = capacity.pods ? quantityValue(capacity.pods) : Number.POSITIVE_INFINITY;
  const found: Shortage[] = [{ name: 'pods', wanted: 1, used: others.length, capacity: most }];
  const used = others.map(podRequests);
  const requests = podRequests(pod);
  const rest = Object.keys(requests).filter((name) => !first.includes(name));
  for (const name of [...first, ...rest]) {
    const quantity = requests[name];
    const there = ownValue(capacity, name);
    if (!there || !quantity || quantity.nano === 0n) continue;
    const wanted = amountOf(name, quantity);
    found.push({ name, wanted, used: total(name, used), capacity: amountOf(name, there) });
  }
  return found.filter((one) => one.wanted + one.used > one.capacity);
}

const first = ['cpu', 'memory', 'ephemeral-storage'];

function total(name: string, lists: readonly Amounts[]): number {
  return lists.reduce((sum, list) => sum + (list[name] ? amountOf(name, list[name]) : 0), 0);
}

interface Shortage {
  readonly name: string;
  readonly wanted: number;
  readonly used: number;
  readonly capacity: number;
}

function shortageVerdict({ name, wanted, used, capacity }: Shortage): Verdict {
  const numbers = `requested: ${wanted}, used: ${used}, capacity: ${capacity}`;
  return rejected(`OutOf${name}`, `Node didn't have enough resource: ${name}, ${numbers}`);
}
