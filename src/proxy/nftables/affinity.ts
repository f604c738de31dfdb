// Services with session affinity: the few that have chains and sets of their own, as kube-proxy writes them.
import type { Chain, Rule, SetDeclaration, Verdict } from '../../nftables/ruleset.ts';
import type { Endpoint } from '../endpoint.ts';
import { shortHash } from '../hash.ts';
import type { ServicePortPlan } from '../plan.ts';
import type { ServicePort } from '../service-port.ts';
import { fieldsOf } from './base.ts';

const longestBase = 240;

/** Begins the names of the sets that remember clients. */
export const affinitySetPrefix = 'affinity-';

function hashed(text: string): string {
  const base = `${shortHash(text, 8)}-${text}`;
  return base.length <= longestBase ? base : `${base.slice(0, longestBase - 3)}...`;
}

function portBase({ namespace, serviceName, protocol, portName }: ServicePort): string {
  return `${namespace}/${serviceName}/${protocol}/${portName}`;
}

function endpointBase(servicePort: ServicePort, { ip, port }: Endpoint): string {
  return hashed(`${portBase(servicePort)}__${ip.replaceAll(':', '.')}/${port}`);
}

/** The chain that keeps clients with their endpoints, among those of the cluster or of this node. */
export function affinityChain(servicePort: ServicePort, policy: 'cluster' | 'local'): string {
  return `${policy === 'cluster' ? 'service' : 'local'}-${hashed(portBase(servicePort))}`;
}

function pickChain(plan: ServicePortPlan, policy: 'cluster' | 'local'): Chain {
  const { servicePort } = plan;
  const { source } = fieldsOf(servicePort.family === 'IPv4' ? 'ip' : 'ip6');
  const endpoints = policy === 'cluster' ? plan.clusterEndpoints : plan.localEndpoints;
  const bases = endpoints.map((endpoint) => endpointBase(servicePort, endpoint));
  const verdicts = bases.map((base): Verdict => ({ kind: 'goto', chain: `endpoint-${base}` }));
  const kept = bases.map(
    (base, i): Rule => ({
      statements: [{ kind: 'lookup', key: [source], op: '==', set: affinitySetPrefix + base }, verdicts[i]!],
    }),
  );
  return { name: affinityChain(servicePort, policy), rules: [...kept, { statements: [{ kind: 'random', verdicts }] }] };
}

/** Chains and sets of a port with affinity; `affinitySeconds` of the port must be given. */
export function affinityObjects(plan: ServicePortPlan): { chains: Chain[]; sets: SetDeclaration[] } {
  const { servicePort } = plan;
  const { family, source } = fieldsOf(servicePort.family === 'IPv4' ? 'ip' : 'ip6');
  const chains: Chain[] = [];
  const sets: SetDeclaration[] = [];
  for (const endpoint of plan.reachable) {
    const base = endpointBase(servicePort, endpoint);
    sets.push({
      kind: 'set',
      name: affinitySetPrefix + base,
      type: `type ${servicePort.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'}`,
      flags: ['dynamic', 'timeout'],
      timeoutSeconds: servicePort.affinitySeconds!,
    });
    const protocol = { kind: 'match', field: 'meta l4proto', op: '==', values: [servicePort.protocol] } as const;
    chains.push({
      name: `endpoint-${base}`,
      rules: [
        { statements: [{ kind: 'update', set: affinitySetPrefix + base, key: [source] }] },
        { statements: [protocol, { kind: 'dnat', family, address: endpoint.ip, port: endpoint.port }] },
      ],
    });
  }
  if (plan.clusterEndpoints.length > 0) chains.push(pickChain(plan, 'cluster'));
  if (plan.localEndpoints.length > 0) chains.push(pickChain(plan, 'local'));
  return { chains, sets };
}
