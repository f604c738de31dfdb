// The rules of a node from objects alone, without a kernel or a cluster.
import type { Node, Service } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import type { IPFamily } from '../net/ip.ts';
import { familyOf } from './address.ts';
import type { FamilyPlans } from './config.ts';
import { proxyNodeOf } from './node.ts';
import { withoutExternalIPs } from './service-port.ts';
import { ServiceView } from './service-view.ts';
import { configOf, type ProxySettings } from './settings.ts';

export interface RulesRequest {
  readonly objects: readonly KubeObject[];
  readonly nodeName: string;
  readonly settings: ProxySettings;
  readonly families: readonly IPFamily[];
  /** Addresses of the node's interfaces, of both families, where they differ from those of its object. */
  readonly interfaceAddresses?: readonly string[] | undefined;
}

/** The plans of a node, family by family. Throws an Error of one line when the request lacks the node. */
export function plansOf(request: RulesRequest): FamilyPlans[] {
  const nodes = request.objects.filter((object): object is Node => object.kind === 'Node');
  const node = nodes.find(({ metadata }) => metadata.name === request.nodeName);
  if (!node) {
    const names = nodes.map(({ metadata }) => metadata.name).sort();
    const known = names.length > 0 ? `there are ${names.join(', ')}` : 'there is none';
    throw new Error(`no Node named ${JSON.stringify(request.nodeName)} among the objects: ${known}`);
  }
  const view = new ServiceView();
  for (const object of request.objects) {
    if (object.kind === 'Service') {
      const service = object as Service;
      view.setService(request.settings.ignoreExternalIPs ? withoutExternalIPs(service) : service);
    } else if (object.kind === 'EndpointSlice') view.setSlice(object as EndpointSlice);
  }
  const names = view.takeChanged().sort();
  return request.families.map((family) => {
    const proxyNode = proxyNodeOf(node, family, request.settings);
    const plans = names.flatMap((name) => view.plans(name, family, proxyNode));
    const interfaceAddresses = request.interfaceAddresses?.filter((address) => familyOf(address) === family);
    const config = configOf(request.settings, family, proxyNode, interfaceAddresses);
    return { plans, config: { ...config, interfaceAddresses } };
  });
}

/** Reads nothing but the request; rejects with an Error of one line when it lacks the node. */
export async function rulesText(request: RulesRequest): Promise<string> {
  const families = plansOf(request);
  const render = await rendererOf(request.settings.mode);
  return render(families);
}

type Renderer = (families: readonly FamilyPlans[]) => string;

/** Loads only what the mode needs. */
async function rendererOf(mode: ProxySettings['mode']): Promise<Renderer> {
  switch (mode) {
    case 'nftables': {
      const { nftablesScript } = await import('./nftables/ruleset.ts');
      return (families) => families.map(({ plans, config }) => nftablesScript(plans, config)).join('');
    }
    case 'iptables': {
      const { iptablesDocument } = await import('./iptables/ruleset.ts');
      return (families) => families.map(({ plans, config }) => iptablesDocument(plans, config)).join('');
    }
    case 'ipvs':
      return (await import('./ipvs/ruleset.ts')).ipvsDocuments;
  }
}
