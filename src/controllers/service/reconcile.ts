// What is to be done about a Service's load balancer, and when a change of a Service is worth a look (service-semantics 9).
import {
  hasLoadBalancerFinalizer,
  loadBalancerCleanupFinalizer,
  servesLoadBalancers,
  wantsLoadBalancer,
} from '../../api/core/v1/service/load-balancer.ts';
import type { LoadBalancerIngress, Node, Service } from '../../api/core/v1/types.generated.ts';
import { announcedByAnnotation } from '../../api/portico/v1/load-balancer-pool.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { EventText } from '../../client/events.ts';

export type Wish = 'ensure' | 'cleanup' | 'nothing';

export function wishOf(service: Readonly<Service>): Wish {
  const isGoing = service.metadata.deletionTimestamp !== undefined;
  if (hasLoadBalancerFinalizer(service) && (isGoing || service.spec.type !== 'LoadBalancer')) return 'cleanup';
  return wantsLoadBalancer(service) && !isGoing ? 'ensure' : 'nothing';
}

/** Whether the load balancer may have to change. What nodes write on a Service is no reason. */
export function needsUpdate(old: Readonly<Service>, service: Readonly<Service>): boolean {
  return wishOf(old) !== wishOf(service) || !jsonEqual(factsOf(old), factsOf(service));
}

/**
 * What upstream tells of a change that its load balancer is looked at for: of the first that it finds in its order, and
 * nothing where that is one that it does not tell of. Lists are as Go prints them.
 */
export function changeEvent(old: Readonly<Service>, service: Readonly<Service>): EventText | undefined {
  const [wanted, wants] = [wantsLoadBalancer(old), wantsLoadBalancer(service)];
  if (!wanted && !wants) return undefined;
  if (wanted !== wants) return changed('Type', `${old.spec.type} -> ${service.spec.type}`);
  const [before, after] = [factsOf(old), factsOf(service)];
  const found = tellings.find(({ fact }) => !jsonEqual(before[fact], after[fact]));
  return found?.reason === undefined ? undefined : changed(found.reason, found.text(before, after));
}

type Facts = ReturnType<typeof factsOf>;

interface Telling {
  readonly fact: keyof Facts;
  /** Undefined for changes that are not told of. */
  readonly reason?: string;
  readonly text: (before: Facts, after: Facts) => string;
}

const silent = (fact: keyof Facts): Telling => ({ fact, text: () => '' });
const fromTo = (fact: keyof Facts, reason: string): Telling => ({
  fact,
  reason,
  text: (before, after) => `${goText(before[fact])} -> ${goText(after[fact])}`,
});

const tellings: readonly Telling[] = [
  fromTo('sourceRanges', 'LoadBalancerSourceRanges'),
  silent('ports'),
  silent('sessionAffinity'),
  fromTo('loadBalancerIP', 'LoadbalancerIP'),
  { fact: 'externalIPs', reason: 'ExternalIP', text: externalIPsText },
  silent('annotations'),
  fromTo('uid', 'UID'),
  fromTo('externalTrafficPolicy', 'ExternalTrafficPolicy'),
  fromTo('healthCheckNodePort', 'HealthCheckNodePort'),
  { ...fromTo('families', 'IPFamilies'), text: (a, b) => `Count: ${a.families} -> ${b.families}` },
];

function externalIPsText({ externalIPs: before }: Facts, { externalIPs: after }: Facts): string {
  if (before.length !== after.length) return `Count: ${before.length} -> ${after.length}`;
  return `Added: ${after.find((ip, i) => ip !== before[i])}`;
}

function goText(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(' ')}]` : String(value);
}

function changed(reason: string, message: string): EventText {
  return { type: 'Normal', reason, message };
}

function factsOf({ metadata, spec }: Readonly<Service>) {
  const { [announcedByAnnotation]: _, ...annotations } = metadata.annotations ?? {};
  return {
    uid: metadata.uid ?? '',
    annotations,
    sourceRanges: spec.loadBalancerSourceRanges ?? [],
    ports: (spec.ports ?? []).map(
      ({ name = '', protocol = '', port, nodePort = 0, targetPort = 0, appProtocol = '' }) => ({
        name,
        protocol,
        port,
        nodePort,
        targetPort,
        appProtocol,
      }),
    ),
    sessionAffinity: [spec.sessionAffinity ?? '', spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 0],
    loadBalancerIP: spec.loadBalancerIP ?? '',
    externalIPs: spec.externalIPs ?? [],
    externalTrafficPolicy: spec.externalTrafficPolicy ?? '',
    healthCheckNodePort: spec.healthCheckNodePort ?? 0,
    families: (spec.ipFamilies ?? []).length,
  };
}

/** Names of the nodes that load balancers may use, sorted. */
export function hostsOf(nodes: readonly Readonly<Node>[]): string[] {
  return nodes
    .filter(servesLoadBalancers)
    .map(({ metadata }) => metadata.name)
    .sort();
}

export function withFinalizer({ metadata }: Readonly<Service>): string[] {
  return [...(metadata.finalizers ?? []), loadBalancerCleanupFinalizer];
}

export function withoutFinalizer({ metadata }: Readonly<Service>): string[] {
  return (metadata.finalizers ?? []).filter((name) => name !== loadBalancerCleanupFinalizer);
}

export function sameIngress(service: Readonly<Service>, ingress: readonly LoadBalancerIngress[]): boolean {
  return jsonEqual(service.status?.loadBalancer?.ingress ?? [], ingress);
}
