// The rules of one port of a Service, in kube-proxy's order (service-semantics 4.3).
import type { Chain, Match, Rule, Target } from '../../iptables/ruleset.ts';
import type { ProxyConfig } from '../config.ts';
import { type Endpoint, endpointText } from '../endpoint.ts';
import type { Route, ServicePortPlan } from '../plan.ts';
import type { ServicePort } from '../service-port.ts';
import { comment, countIn, forDestination, fromPods, toChain } from './base.ts';
import { packetCounters, plainKernel } from './kernel-facts.ts';
import { chains, endpointChain, type ServiceChains, serviceChains } from './names.ts';

/** Rules that go into chains which all Services share. */
export interface SharedRules {
  readonly natServices: readonly Rule[];
  readonly natNodePorts: readonly Rule[];
  readonly filterServices: readonly Rule[];
  readonly filterExternalServices: readonly Rule[];
  readonly filterNodePorts: readonly Rule[];
  readonly filterProxyFirewall: readonly Rule[];
}

export interface ServiceRules {
  readonly shared: SharedRules;
  /** Chains of this port alone, all in table nat. */
  readonly chains: readonly Chain[];
}

type Draft = { readonly [Part in keyof SharedRules]: Rule[] };

/** How and why traffic is refused; undefined when there are endpoints for it. */
function refusal(name: string, route: Route): { readonly note: Match; readonly target: Target } | undefined {
  if (route === 'reject') return { note: comment(`${name} has no endpoints`), target: { kind: 'REJECT' } };
  if (route === 'drop') return { note: comment(`${name} has no local endpoints`), target: { kind: 'DROP' } };
  return undefined;
}

function internalChain(plan: ServicePortPlan, own: ServiceChains): string | undefined {
  return plan.internal === 'cluster' ? own.cluster : plan.internal === 'local' ? own.local : undefined;
}

function addClusterIP(plan: ServicePortPlan, own: ServiceChains, draft: Draft): void {
  const { name, protocol, clusterIP, port } = plan.servicePort;
  const destination = forDestination(protocol, clusterIP, port);
  const chain = internalChain(plan, own);
  const refused = refusal(name, plan.internal);
  if (chain)
    draft.natServices.push({ matches: [comment(`${name} cluster IP`), ...destination], target: toChain(chain) });
  if (refused) draft.filterServices.push({ matches: [refused.note, ...destination], target: refused.target });
}

/** How many rely on node ports on 127.0.0.1, which other modes may not have, is counted where the kernel can. */
function countLocalhost(config: ProxyConfig): Match[] {
  const { counters } = config.kernel ?? plainKernel;
  return config.localhostNodePorts ? countIn(packetCounters.localhostNodePorts, counters) : [];
}

function addExternal(plan: ServicePortPlan, config: ProxyConfig, own: ServiceChains, draft: Draft): void {
  const { servicePort, firewall, hasAnyEndpoints } = plan;
  const { name, protocol, port } = servicePort;
  const refused = refusal(name, plan.external!);
  const visit = (ip: string, what: string, chain: string) => {
    const destination = forDestination(protocol, ip, port);
    if (hasAnyEndpoints)
      draft.natServices.push({ matches: [comment(`${name} ${what}`), ...destination], target: toChain(chain) });
    if (refused) draft.filterExternalServices.push({ matches: [refused.note, ...destination], target: refused.target });
    return destination;
  };
  for (const ip of servicePort.externalIPs) visit(ip, 'external IP', own.external);
  for (const ip of servicePort.loadBalancerIPs) {
    const destination = visit(ip, 'loadbalancer IP', firewall ? own.firewall : own.external);
    if (!firewall) continue;
    const note = comment(`${name} traffic not accepted by ${own.firewall}`);
    draft.filterProxyFirewall.push({ matches: [note, ...destination], target: { kind: 'DROP' } });
  }
  if (servicePort.nodePort === undefined) return;
  const nodePort: Match[] = [
    { kind: 'protocol', protocol },
    { kind: 'destination-port', port: servicePort.nodePort },
  ];
  if (hasAnyEndpoints) {
    const target = toChain(own.external);
    const counted = countLocalhost(config);
    if (counted.length > 0) {
      const localhost = forDestination(protocol, '127.0.0.0/8', servicePort.nodePort);
      draft.natNodePorts.push({ matches: [comment(name), ...localhost, ...counted], target });
    }
    draft.natNodePorts.push({ matches: [comment(name), ...nodePort], target });
  }
  if (refused) {
    const matches: Match[] = [refused.note, { kind: 'destination-type', type: 'LOCAL' }, ...nodePort];
    draft.filterExternalServices.push({ matches, target: refused.target });
  }
}

/** Traffic to the cluster IP that must come back through this node, at the top of the chain that takes it. */
function masqueradeInternal(servicePort: ServicePort, config: ProxyConfig): Rule[] {
  const { name, protocol, clusterIP, port } = servicePort;
  const matches = [comment(`${name} cluster IP`), ...forDestination(protocol, clusterIP, port)];
  const target = toChain(chains.markMasquerade);
  if (config.masqueradeAll) return [{ matches, target }];
  if (!config.localDetector) return [];
  return [{ matches: [...matches, fromPods(config.localDetector, { not: true })], target }];
}

function externalChain(plan: ServicePortPlan, own: ServiceChains, config: ProxyConfig): Chain {
  const { name, externalPolicyLocal } = plan.servicePort;
  const mark = toChain(chains.markMasquerade);
  const rules: Rule[] = [];
  if (externalPolicyLocal) {
    const fromNode: Match = { kind: 'source-type', type: 'LOCAL' };
    if (config.localDetector) {
      const note = comment(`pod traffic for ${name} external destinations`);
      rules.push({ matches: [note, fromPods(config.localDetector)], target: toChain(own.cluster) });
    }
    rules.push(
      { matches: [comment(`masquerade LOCAL traffic for ${name} external destinations`), fromNode], target: mark },
      {
        matches: [comment(`route LOCAL traffic for ${name} external destinations`), fromNode],
        target: toChain(own.cluster),
      },
    );
  } else {
    rules.push({ matches: [comment(`masquerade traffic for ${name} external destinations`)], target: mark });
  }
  if (plan.external === 'cluster') rules.push({ matches: [], target: toChain(own.cluster) });
  if (plan.external === 'local') rules.push({ matches: [], target: toChain(own.local) });
  return { name: own.external, rules };
}

function firewallChain({ servicePort, firewall }: ServicePortPlan, own: ServiceChains): Chain[] {
  if (!firewall) return [];
  const note = comment(`${servicePort.name} loadbalancer IP`);
  const sources = [...firewall.sourceRanges, ...(firewall.nodeAllowed ? servicePort.loadBalancerIPs : [])];
  const rules: Rule[] = sources.map((address) => ({
    matches: [note, { kind: 'source', address }],
    target: toChain(own.external),
  }));
  // It has no target: what comes this far is dropped in table filter.
  rules.push({ matches: [comment(`other traffic to ${servicePort.name} will be dropped by ${chains.proxyFirewall}`)] });
  return [{ name: own.firewall, rules }];
}

/** How rules of endpoints are written: clusters of many go without comments, which cost memory in the kernel. */
export interface EndpointStyle {
  readonly comments: boolean;
}

function pickRules(servicePort: ServicePort, endpoints: readonly Endpoint[], style: EndpointStyle): Rule[] {
  const note = (endpoint: Endpoint): Match[] =>
    style.comments ? [comment(`${servicePort.name} -> ${endpointText(endpoint)}`)] : [];
  const rules: Rule[] = [];
  const { affinitySeconds } = servicePort;
  for (const endpoint of affinitySeconds === undefined ? [] : endpoints) {
    const list = endpointChain(servicePort, endpoint);
    const seen: Match = { kind: 'recently-seen', list, seconds: affinitySeconds! };
    rules.push({ matches: [...note(endpoint), seen], target: toChain(list) });
  }
  endpoints.forEach((endpoint, i) => {
    const left = endpoints.length - i;
    const chance: Match[] = left > 1 ? [{ kind: 'random', probability: 1 / left }] : [];
    rules.push({ matches: [...note(endpoint), ...chance], target: toChain(endpointChain(servicePort, endpoint)) });
  });
  return rules;
}

function endpointChains({ servicePort, reachable }: ServicePortPlan, style: EndpointStyle): Chain[] {
  const note: Match[] = style.comments ? [comment(servicePort.name)] : [];
  return reachable.map((endpoint) => {
    const name = endpointChain(servicePort, endpoint);
    const remember: Match[] = servicePort.affinitySeconds === undefined ? [] : [{ kind: 'remember', list: name }];
    const protocol: Match = { kind: 'protocol', protocol: servicePort.protocol };
    return {
      name,
      rules: [
        { matches: [...note, { kind: 'source', address: endpoint.ip }], target: toChain(chains.markMasquerade) },
        { matches: [...note, ...remember, protocol], target: { kind: 'DNAT', to: endpointText(endpoint) } },
      ],
    };
  });
}

function ownChains(
  plan: ServicePortPlan,
  own: ServiceChains,
  context: { config: ProxyConfig; style: EndpointStyle },
): Chain[] {
  const { servicePort, clusterEndpoints, localEndpoints } = plan;
  const { config, style } = context;
  const masquerade = masqueradeInternal(servicePort, config);
  const result: Chain[] = [];
  if (plan.external !== undefined && plan.hasAnyEndpoints) {
    result.push(...firewallChain(plan, own), externalChain(plan, own, config));
  }
  for (const [name, endpoints] of [
    [own.cluster, clusterEndpoints],
    [own.local, localEndpoints],
  ] as const) {
    if (endpoints.length === 0) continue;
    const first = internalChain(plan, own) === name ? masquerade : [];
    result.push({ name, rules: [...first, ...pickRules(servicePort, endpoints, style)] });
  }
  return [...result, ...endpointChains(plan, style)];
}

/** Everything iptables holds for this port. */
export function serviceRules(plan: ServicePortPlan, config: ProxyConfig, style: EndpointStyle): ServiceRules {
  const own = serviceChains(plan.servicePort);
  const draft: Draft = {
    natServices: [],
    natNodePorts: [],
    filterServices: [],
    filterExternalServices: [],
    filterNodePorts: [],
    filterProxyFirewall: [],
  };
  addClusterIP(plan, own, draft);
  if (plan.external !== undefined) addExternal(plan, config, own, draft);
  const { name, healthCheckNodePort } = plan.servicePort;
  if (healthCheckNodePort !== undefined) {
    const port: Match[] = [
      { kind: 'protocol', protocol: 'tcp' },
      { kind: 'destination-port', port: healthCheckNodePort },
    ];
    draft.filterNodePorts.push({
      matches: [comment(`${name} health check node port`), ...port],
      target: { kind: 'ACCEPT' },
    });
  }
  return { shared: draft, chains: ownChains(plan, own, { config, style }) };
}
