// The life of a ServiceCIDR (upstream pkg/controller/servicecidrs): ready while it is there, and there while addresses
// depend on it.
import type { IPAddress, ServiceCIDR } from '../../api/networking/v1/types.generated.ts';
import type { Condition } from '../../apimachinery/meta/v1.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { type CIDR, contains, containsCIDR, parseCIDR } from '../../net/cidr.ts';
import { parseIP } from '../../net/ip.ts';

export const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const allocator = 'ipallocator.k8s.io';
/** Milliseconds in which API servers that have not heard of the deletion may still give addresses of it. */
const deletionGrace = 10_000;

export interface ServiceCIDRInput {
  readonly cidr: Readonly<ServiceCIDR>;
  /** All of the cluster, this one among them. */
  readonly all: readonly Readonly<ServiceCIDR>[];
  readonly addresses: readonly Readonly<IPAddress>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface ServiceCIDRPlan {
  /** The finalizers that it should have, where they differ. */
  readonly finalizers?: readonly string[];
  /** The condition Ready, where it differs. */
  readonly ready?: Condition;
  /** Milliseconds until it may go. */
  readonly recheckAfter?: number;
}

export function reconcileServiceCIDR(input: ServiceCIDRInput): ServiceCIDRPlan {
  const { cidr, now } = input;
  const { deletionTimestamp, finalizers = [] } = cidr.metadata;
  if (deletionTimestamp === undefined) {
    return {
      ...(!finalizers.includes(finalizer) && { finalizers: [...finalizers, finalizer] }),
      ...readyIfOther(cidr, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }, now),
    };
  }
  if (hasDependents(input)) {
    const message =
      'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';
    return readyIfOther(cidr, { status: 'False', reason: 'Terminating', message }, now);
  }
  if (!finalizers.includes(finalizer)) return {};
  const left = Date.parse(deletionTimestamp) + deletionGrace - now;
  return left > 0 ? { recheckAfter: left } : { finalizers: finalizers.filter((one) => one !== finalizer) };
}

function readyIfOther(
  { status }: Readonly<ServiceCIDR>,
  wanted: Pick<Condition, 'status' | 'reason' | 'message'>,
  now: number,
): Pick<ServiceCIDRPlan, 'ready'> {
  const present = status?.conditions?.find(({ type }) => type === 'Ready');
  const isSame =
    present?.status === wanted.status && (present.reason ?? '') === wanted.reason && present.message === wanted.message;
  if (isSame) return {};
  const lastTransitionTime = present?.status === wanted.status ? present.lastTransitionTime : formatTime(now);
  return { ready: { type: 'Ready', ...wanted, lastTransitionTime } };
}

function prefixesOf({ spec }: Readonly<ServiceCIDR>): CIDR[] {
  return (spec?.cidrs ?? []).flatMap((text) => parseCIDR(text) ?? []);
}

/** Whether addresses that Services were given lie in this range alone. */
function hasDependents({ cidr, all, addresses }: ServiceCIDRInput): boolean {
  const others = all
    .filter(({ metadata }) => metadata.uid !== cidr.metadata.uid && metadata.deletionTimestamp === undefined)
    .flatMap(prefixesOf);
  const own = prefixesOf(cidr).filter((prefix) => !others.some((other) => containsCIDR(other, prefix)));
  if (own.length === 0) return false;
  return addresses.some(({ metadata }) => {
    const ip = metadata.labels?.[managedBy] === allocator ? parseIP(metadata.name) : undefined;
    if (!ip || !own.some((prefix) => contains(prefix, ip))) return false;
    return !others.some((other) => contains(other, ip));
  });
}
