// What the author of a Service should know though nothing is refused, in upstream's words and order.
import { warningsForCIDR, warningsForIP } from '../../../../apimachinery/validation/ip.ts';
import type { Service } from '../types.generated.ts';
import { clusterIPNone } from './facts.ts';

const hints = 'service.kubernetes.io/topology-aware-hints';
const mode = 'service.kubernetes.io/topology-mode';

/** Texts for the Warning header. */
export function serviceWarnings({ spec, metadata }: Service): string[] {
  const { clusterIP, clusterIPs = [], externalIPs = [], loadBalancerIP, loadBalancerSourceRanges = [] } = spec;
  const headless = spec.type === 'ClusterIP' && clusterIP === clusterIPNone;
  const isName = spec.type === 'ExternalName';
  const addressed = clusterIP !== undefined && clusterIP !== '' && clusterIP !== clusterIPNone;
  const deprecated = externalIPs.length > 0 && !headless && !isName;
  return [
    ...when(
      metadata.annotations?.[hints] !== undefined,
      `annotation ${hints} is deprecated, please use ${mode} instead`,
    ),
    ...(addressed ? clusterIPs.flatMap((ip, i) => warningsForIP(`spec.clusterIPs[${i}]`, ip)) : []),
    ...(headless ? ignoredWhenHeadless(spec) : []),
    ...externalIPs.flatMap((ip, i) => warningsForIP(`spec.externalIPs[${i}]`, ip)),
    ...when(deprecated, 'spec.externalIPs is deprecated and may no longer be implemented in some clusters'),
    ...(loadBalancerIP ? warningsForIP('spec.loadBalancerIP', loadBalancerIP) : []),
    ...loadBalancerSourceRanges.flatMap((range, i) => warningsForCIDR(`spec.loadBalancerSourceRanges[${i}]`, range)),
    ...when(isName && externalIPs.length > 0, 'spec.externalIPs is ignored when spec.type is "ExternalName"'),
    ...when(!isName && Boolean(spec.externalName), 'spec.externalName is ignored when spec.type is not "ExternalName"'),
    ...when(
      spec.trafficDistribution === 'PreferClose',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ),
  ];
}

/** Upstream names the ingress, not its `ip`. */
export function serviceStatusWarnings({ status }: Service): string[] {
  const ingresses = status?.loadBalancer?.ingress ?? [];
  return ingresses.flatMap(({ ip }, i) => (ip ? warningsForIP(`status.loadBalancer.ingress[${i}]`, ip) : []));
}

function ignoredWhenHeadless({ loadBalancerIP, externalIPs = [], sessionAffinity }: Service['spec']): string[] {
  return [
    ...when(Boolean(loadBalancerIP), 'spec.loadBalancerIP is ignored for headless services'),
    ...when(externalIPs.length > 0, 'spec.externalIPs is ignored for headless services'),
    ...when(sessionAffinity !== 'None', 'spec.SessionAffinity is ignored for headless services'),
  ];
}

function when(holds: boolean, text: string): string[] {
  return holds ? [text] : [];
}
