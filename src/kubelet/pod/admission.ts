// Whether a pod that was bound to this node may run on it: what the kubelet checks itself, since binding may go past the
// scheduler. Reasons and words are upstream's (pkg/kubelet/lifecycle/predicate.go).

import { matchesNodeAffinity, untoleratedTaint } from '../../api/core/v1/node/placement.ts';
import { podRequests } from '../../api/core/v1/pod/resources.ts';
import type { Container, Node, Pod } from '../../api/core/v1/types.generated.ts';
import { quantityMilliValue, quantityValue } from '../../apimachinery/quantity.ts';
import { type Amounts, parseAmounts } from '../../apimachinery/resource-list.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { ResizeRefusal } from './allocation.ts';
import { containersOf } from './identity.ts';
import type { Verdict } from './pod-status.ts';
import { forbiddenSysctl } from './sysctls.ts';

export interface AdmissionInput {
  readonly pod: Pod;
  readonly node: Readonly<Node>;
  /** The pods that the node runs, or was told to run before. */
  readonly others: readonly Pod[];
  /** Kernel settings that pods may make beside the safe ones. */
  readonly allowedSysctls?: readonly string[];
}

/** Why the pod is refused, in the order in which upstream asks; undefined when it may run. */
export function refusal(input: AdmissionInput): Verdict | undefined {
  const { pod, node, allowedSysctls = [] } = input;
  const sysctl = forbiddenSysctl(pod, allowedSysctls);
  if (sysctl !== undefined) return rejected('SysctlForbidden', sysctl);
  const why = unsupported(pod, node) ?? lacking(input) ?? misplaced(input);
  if (why) return why;
  if (containersOf(pod).some(({ container }) => wantsAppArmor(pod, container)))
    return rejected('AppArmor', 'Cannot enforce AppArmor: AppArmor is not enabled on the host');
  return undefined;
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
  if (hostPortsOf(pod).some((port) => taken.some((other) => collide(port, other))))
    return failed('NodePorts', "didn't have free ports for the requested pod ports");
  if (untoleratedTaint(pod.spec.tolerations, node.spec?.taints, ['NoExecute']))
    return failed('TaintToleration', "had taints that the pod didn't tolerate");
  return undefined;
}

/** Containers run without it on every machine: Portico's containerd is configured so. */
function wantsAppArmor({ spec }: Pod, { securityContext }: Container): boolean {
  const { type } = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile ?? { type: 'Unconfined' };
  return type !== 'Unconfined';
}

/** Why a pod of the node cannot have the resources that it asks for now; undefined when it can. */
export function resizeRefusal({ pod, node, others }: AdmissionInput): ResizeRefusal | undefined {
  const capacity = parseAmounts(node.status?.allocatable);
  for (const [name, quantity] of Object.entries(podRequests(pod))) {
    const there = ownValue(capacity, name);
    if (!there || (name !== 'cpu' && name !== 'memory') || amount(name, quantity) <= amount(name, there)) continue;
    const numbers = `requested: ${amount(name, quantity)}, capacity: ${amount(name, there)}`;
    return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, ${numbers}` };
  }
  const why = lacking({ pod, node, others });
  return why && { reason: 'Deferred', message: why.message.replace(rejection, '') };
}

const rejection = 'Pod was rejected: ';

function rejected(reason: string, message: string): Verdict {
  return { reason, message: `${rejection}${message}` };
}

interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** With hostNetwork every port is one of the node (the API's defaults set hostPort). */
function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', protocol, port: hostPort }] : [],
    ),
  );
}

const isAny = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || isAny(a.ip) || isAny(b.ip));
}

/** The first resource of which the node has too little. Of what the node does not speak of (it is new, or another gives it) nothing is known. */
function lacking({ pod, node, others }: AdmissionInput): Verdict | undefined {
  const capacity = parseAmounts(node.status?.allocatable);
  const most = capacity.pods ? quantityValue(capacity.pods) : Number.POSITIVE_INFINITY;
  if (others.length + 1 > most) return short({ name: 'pods', wanted: 1, used: others.length, capacity: most });
  const used = others.map(podRequests);
  const requests = podRequests(pod);
  const rest = Object.keys(requests).filter((name) => !first.includes(name));
  for (const name of [...first, ...rest]) {
    const quantity = requests[name];
    const there = ownValue(capacity, name);
    if (!there || !quantity || quantity.nano === 0n) continue;
    const numbers = { name, wanted: amount(name, quantity), used: total(name, used), capacity: amount(name, there) };
    if (numbers.wanted + numbers.used > numbers.capacity) return short(numbers);
  }
  return undefined;
}

const first = ['cpu', 'memory', 'ephemeral-storage'];

type Quantity = Amounts[string];

const amount = (name: string, quantity: Quantity): number =>
  name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity);

function total(name: string, lists: readonly Amounts[]): number {
  return lists.reduce((sum, list) => sum + (list[name] ? amount(name, list[name]) : 0), 0);
}

interface Shortage {
  readonly name: string;
  readonly wanted: number;
  readonly used: number;
  readonly capacity: number;
}

function short({ name, wanted, used, capacity }: Shortage): Verdict {
  const numbers = `requested: ${wanted}, used: ${used}, capacity: ${capacity}`;
  return rejected(`OutOf${name}`, `Node didn't have enough resource: ${name}, ${numbers}`);
}
