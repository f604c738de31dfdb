// Facts about pods that several controllers ask for.
import { claimNameOf, isPodReady, isPodTerminal, lastingContainers } from '../../api/core/v1/pod/facts.ts';
import type { Pod, PodCondition, ServicePort } from '../../api/core/v1/types.generated.ts';
import { formatIP, type IPFamily, parseIPSloppy } from '../../net/ip.ts';

export function podCondition(pod: Readonly<Pod>, type: string): Readonly<PodCondition> | undefined {
  return pod.status?.conditions?.find((c) => c.type === type);
}

/** Names of the claims that a pod mounts: by name, or of its ephemeral volumes. */
export function mountedClaims(pod: Readonly<Pod>): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
}

/** Ready for at least `minReadySeconds`, at `now` (milliseconds). */
export function isPodAvailable(pod: Readonly<Pod>, minReadySeconds: number, now: number): boolean {
  const ready = podCondition(pod, 'Ready');
  if (ready?.status !== 'True') return false;
  if (minReadySeconds === 0) return true;
  const since = ready.lastTransitionTime;
  return !!since && Date.parse(since) + minReadySeconds * 1000 <= now;
}

/** Milliseconds until a pod that is ready becomes available; undefined when none is waited for. */
export function untilAvailable(
  pods: readonly Readonly<Pod>[],
  minReadySeconds: number,
  now: number,
): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const dues = pods
    .filter((pod) => isPodActive(pod) && isPodReady(pod))
    .map((pod) => Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '') + minReadySeconds * 1000 - now)
    .filter((due) => due > 0);
  return dues.length > 0 ? Math.min(...dues) : undefined;
}

/** Counts for a workload: neither ended nor being deleted. */
export function isPodActive(pod: Readonly<Pod>): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** All addresses of the pod, `status.podIP` standing in where `podIPs` is absent. */
function podIPs(pod: Readonly<Pod>): string[] {
  const ips = pod.status?.podIPs?.map(({ ip }) => ip) ?? [];
  if (ips.length > 0) return ips;
  return pod.status?.podIP ? [pod.status.podIP] : [];
}

export interface PodAddress {
  readonly family: IPFamily;
  /** In its canonical form. */
  readonly ip: string;
}

/** Pods are asked again with each change of another one behind the same Service. */
const knownAddresses = new WeakMap<Readonly<Pod>, readonly PodAddress[]>();

/** Addresses that are some, with leading zeros and IPv4-mapped ones too; of an object that does not change. */
export function podAddresses(pod: Readonly<Pod>): readonly PodAddress[] {
  const known = knownAddresses.get(pod);
  if (known) return known;
  const addresses = podIPs(pod).flatMap((text) => {
    const parsed = parseIPSloppy(text);
    return parsed ? [{ family: parsed.ip.family, ip: formatIP(parsed.ip) }] : [];
  });
  knownAddresses.set(pod, addresses);
  return addresses;
}

/** The port number that a Service port means in this pod; undefined when it names a port that the pod does not have. */
export function targetPortOf(pod: Readonly<Pod>, servicePort: Readonly<ServicePort>): number | undefined {
  const target = servicePort.targetPort ?? servicePort.port;
  if (typeof target === 'number') return target;
  const protocol = servicePort.protocol ?? 'TCP';
  for (const container of lastingContainers(pod)) {
    const port = container.ports?.find((p) => p.name === target && (p.protocol ?? 'TCP') === protocol);
    if (port) return port.containerPort;
  }
  return undefined;
}
