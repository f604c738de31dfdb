// Why a packet does not arrive: the object and field that stand in its way, and what to change.

import type { AddressPort, Packet } from '../../netfilter/packet.ts';
import { canonicalIP, contains } from '../../proxy/address.ts';
import type { ServicePortPlan } from '../../proxy/plan.ts';
import { proxyNameLabel } from '../../proxy/service-port.ts';
import { noEndpointsCause } from './no-endpoints.ts';
import { isWalledOff, type Match } from './service.ts';
import type { Cause } from './trace.ts';
import { podAt, type World } from './world.ts';

export interface Failed {
  readonly match: Match | undefined;
  readonly plans: readonly ServicePortPlan[];
  readonly destination: AddressPort;
  readonly protocol: Packet['protocol'];
  readonly source: string;
  /** Where rules decided. */
  readonly node: string;
  readonly serviceCIDRs: readonly string[];
  readonly ignoresExternalIPs: boolean;
  /** Nodes carry the addresses of Services, and refuse what no port of theirs is for (ipvs). */
  readonly carriesAddresses: boolean;
  /** Somebody answers past the node that translated. */
  readonly isUnanswered: boolean;
}

/** Undefined when no object is to blame. */
export function causeOf(world: World, failed: Failed): Cause | undefined {
  const { match, plans, destination, serviceCIDRs } = failed;
  if (match) return causeInService(world, match, failed);
  const known = plans.filter(({ servicePort: { clusterIP, externalIPs, loadBalancerIPs } }) =>
    [clusterIP, ...(failed.carriesAddresses ? [...externalIPs, ...loadBalancerIPs] : [])].includes(destination.address),
  );
  const [first] = known;
  if (first) {
    const { namespace, serviceName } = first.servicePort;
    const ports = known.map(({ servicePort }) => `${servicePort.port}/${servicePort.protocol.toUpperCase()}`);
    return {
      object: `Service ${namespace}/${serviceName}`,
      field: 'spec.ports',
      message: `the Service has no port ${destination.port}/${failed.protocol.toUpperCase()}; it has ${ports.join(', ')}`,
      remedy: 'ask for one of these ports, or add the port to spec.ports',
    };
  }
  const aside = besideProxy(world, failed);
  if (aside) return aside;
  if (serviceCIDRs.some((cidr) => contains(cidr, destination.address))) {
    return {
      object: 'ServiceCIDR',
      field: 'spec.cidrs',
      message: `${destination.address} is in the range of cluster IPs, and no Service has it`,
      remedy: 'a Service was deleted or made anew: resolve its name again',
    };
  }
  return undefined;
}

/** A Service has the address, but this proxy does not serve it there. */
function besideProxy(world: World, { destination: { address }, ignoresExternalIPs }: Failed): Cause | undefined {
  for (const key of world.doors.byAddress.get(address) ?? []) {
    const { metadata, spec } = world.services.get(key) ?? {};
    const object = `Service ${key}`;
    const other = metadata?.labels?.[proxyNameLabel];
    if (other !== undefined) {
      return {
        object,
        field: `metadata.labels[${proxyNameLabel}]`,
        message: `the label leaves it to another proxy (${other})`,
        remedy: 'take the label away, or look at what that proxy does',
      };
    }
    if (ignoresExternalIPs && spec?.externalIPs?.some((ip) => canonicalIP(ip) === address)) {
      return {
        object,
        field: 'spec.externalIPs',
        message: 'external IPs lead nowhere in this cluster (the feature gate AllowServiceExternalIPs is off)',
        remedy: 'ask its cluster IP, or make it a load balancer',
      };
    }
  }
  return undefined;
}

function causeInService(world: World, match: Match, failed: Failed): Cause {
  const { plan, door, isLocalOnly } = match;
  const { servicePort, firewall } = plan;
  const key = `${servicePort.namespace}/${servicePort.serviceName}`;
  const object = `Service ${key}`;
  if (failed.isUnanswered) return unansweredCause(world, { object, door }, failed);
  if (isWalledOff(match, failed.source)) {
    return {
      object,
      field: 'spec.loadBalancerSourceRanges',
      message: `${failed.source} is in none of ${firewall?.sourceRanges.join(', ')}`,
      remedy: 'add its range, or come from an address that is allowed',
    };
  }
  if (isLocalOnly && plan.hasAnyEndpoints) {
    return {
      object,
      field: door === 'cluster IP' ? 'spec.internalTrafficPolicy' : 'spec.externalTrafficPolicy',
      message: `the policy is Local, and no endpoint on ${failed.node} is ready`,
      remedy: `set the policy to Cluster, or run a ready pod on ${failed.node} (a DaemonSet does on every node)`,
    };
  }
  const port = world.services.get(key)?.spec?.ports?.find(({ name = '', protocol = 'TCP' }) => {
    return name === servicePort.portName && protocol.toLowerCase() === servicePort.protocol;
  });
  return noEndpointsCause(world, { service: key, port, family: servicePort.family, listed: plan.endpoints.length });
}

/** The client stays visible, so whoever answers does so by the shortest way. */
function unansweredCause(
  world: World,
  { object, door }: { readonly object: string; readonly door: Match['door'] },
  { node, source }: Failed,
): Cause {
  if (door === 'cluster IP') {
    return {
      object: 'KubeProxyConfiguration',
      field: 'clusterCIDR',
      message: `without it the proxy of ${node} does not know that ${source} is no pod, and does not hide it, so answers do not come back by ${node}`,
      remedy: 'set clusterCIDR (--cluster-cidr), or send from a pod',
    };
  }
  const isPod = podAt(world, source) !== undefined;
  return {
    object,
    field: 'spec.externalTrafficPolicy',
    message: `the policy is Local, so ${node} does not hide ${isPod ? 'the pod that' : 'who'} asks, and answers do not come back by ${node}`,
    // Only ipvs goes to other nodes then.
    remedy: isPod
      ? 'ask the cluster IP of the Service, or a port of the own node'
      : `set the policy to Cluster, or run a ready pod on ${node}`,
  };
}
