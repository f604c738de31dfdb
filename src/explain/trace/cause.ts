// Why a packet does not arrive: the object and field that stand in its way, and what to change.

import type { Pod, Service } from '../../api/core/v1/types.generated.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { AddressPort } from '../../netfilter/packet.ts';
import { contains } from '../../proxy/address.ts';
import type { ServicePortPlan } from '../../proxy/plan.ts';
import type { Match } from './service.ts';
import type { Cause } from './trace.ts';
import type { World } from './world.ts';

interface Failed {
  readonly match: Match | undefined;
  readonly plans: readonly ServicePortPlan[];
  readonly destination: AddressPort;
  readonly source: string;
  /** Where rules decided. */
  readonly node: string;
  readonly serviceCIDRs: readonly string[];
}

/** Undefined when no object is to blame. */
export function causeOf(world: World, failed: Failed): Cause | undefined {
  const { match, plans, destination, serviceCIDRs } = failed;
  if (match) return causeInService(world, match, failed);
  const known = plans.filter(({ servicePort }) => servicePort.clusterIP === destination.address);
  const [first] = known;
  if (first) {
    const { namespace, serviceName } = first.servicePort;
    const ports = known.map(({ servicePort }) => `${servicePort.port}/${servicePort.protocol.toUpperCase()}`);
    return {
      object: `Service ${namespace}/${serviceName}`,
      field: 'spec.ports',
      message: `the Service has no port ${destination.port}; it has ${ports.join(', ')}`,
      remedy: 'ask for one of these ports, or add the port to spec.ports',
    };
  }
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

function causeInService(world: World, { plan, door, isLocalOnly }: Match, failed: Failed): Cause {
  const { servicePort, firewall } = plan;
  const key = `${servicePort.namespace}/${servicePort.serviceName}`;
  const object = `Service ${key}`;
  const isWalled = door === 'load balancer IP' && firewall !== undefined;
  if (isWalled && !firewall.sourceRanges.some((range) => contains(range, failed.source))) {
    return {
      object,
      field: 'spec.loadBalancerSourceRanges',
      message: `${failed.source} is in none of ${firewall.sourceRanges.join(', ')}`,
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
  return noEndpoints(world, plan, { object, service: world.services.get(key) });
}

function noEndpoints(
  world: World,
  plan: ServicePortPlan,
  { object, service }: { readonly object: string; readonly service: Service | undefined },
): Cause {
  if (plan.endpoints.length > 0) {
    const { length } = plan.endpoints;
    return {
      object,
      field: 'EndpointSlice endpoints[].conditions.ready',
      message: `none of its ${length} endpoint${length === 1 ? '' : 's'} is ready`,
      remedy: 'look at the readiness of its pods: kubectl describe pod',
    };
  }
  const selector = Object.entries(service?.spec?.selector ?? {});
  if (selector.length === 0) {
    return {
      object,
      field: 'spec.selector',
      message: 'it has no selector, and no EndpointSlice lists an endpoint of this port',
      remedy: 'write an EndpointSlice for it, or give it a selector',
    };
  }
  const inNamespace = [...world.pods.values()].filter(
    ({ metadata }) => metadata.namespace === plan.servicePort.namespace,
  );
  const wanted = selector.map(([key, value]) => `${key}=${value}`).join(',');
  const selected = inNamespace.filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value));
  if (selected.length > 0) {
    return {
      object,
      field: 'spec.ports[].targetPort',
      message: `its selector ${wanted} matches ${names(selected)}, but no slice lists this port: the pods have no address yet, or no container port of that name`,
      remedy: 'compare targetPort with the names of the container ports: kubectl describe service',
    };
  }
  const near = inNamespace.filter((pod) => selector.some(([key]) => ownValue(pod.metadata.labels, key) !== undefined));
  const almost =
    near.length > 0 ? `; ${names(near)} ${near.length === 1 ? 'has' : 'have'} the label with another value` : '';
  return {
    object,
    field: 'spec.selector',
    message: `its selector ${wanted} matches no pod of namespace ${plan.servicePort.namespace}${almost}`,
    remedy: "make the selector and the pods' labels agree",
  };
}

function names(pods: readonly Pod[]): string {
  const shown = pods.slice(0, 3).map(({ metadata }) => metadata.name);
  return `${pods.length === 1 ? 'pod' : 'pods'} ${shown.join(', ')}${pods.length > 3 ? ` and ${pods.length - 3} more` : ''}`;
}
