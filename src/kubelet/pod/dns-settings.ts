// What a pod's resolv.conf says, by its dnsPolicy and dnsConfig and within the limits of resolvers (kubelet's dns configurer). Pure.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import type { EventText } from '../../client/events.ts';
import { formatPod, identityOf } from './identity.ts';

export interface DNSSettings {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDNS {
  readonly servers: readonly string[];
  /** `cluster.local`. */
  readonly domain: string;
  /** The node's own resolv.conf. */
  readonly node: DNSSettings;
}

const unique = (items: readonly string[]): string[] => [...new Set(items)];

/** resolv.conf(5), the lines that matter; of each but `nameserver` the last one counts. A search of the root alone is none. */
export function parseResolvConf(text: string): DNSSettings {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) servers.push(values[0]);
    else if (keyword === 'search') searches = values.filter((v) => v !== '.').map((v) => v.replace(/\.$/, ''));
    else if (keyword === 'options') options = values;
  }
  return { servers, searches, options };
}

function wantsClusterDNS({ spec }: Pod): boolean {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false } = spec;
  return dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
}

/** Without the limits. */
function wanted(pod: Pod, { servers, domain, node }: ClusterDNS): DNSSettings {
  const { dnsPolicy, dnsConfig } = pod.spec;
  const namespace = pod.metadata.namespace ?? 'default';
  let base: DNSSettings = node;
  if (dnsPolicy === 'None') base = { servers: [], searches: [], options: [] };
  else if (wantsClusterDNS(pod) && servers.length > 0) {
    const searches = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
    base = { servers, searches: unique([...searches, ...node.searches]), options: ['ndots:5'] };
  }
  if (!dnsConfig) return base;
  const options = new Map(base.options.map((o) => [o.split(':')[0] ?? o, o]));
  for (const { name = '', value } of dnsConfig.options ?? []) options.set(name, value ? `${name}:${value}` : name);
  return {
    servers: unique([...base.servers, ...(dnsConfig.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig.searches ?? [])]),
    options: [...options.values()],
  };
}

/** glibc's and musl's, as the API's validation has them. */
const limits = { servers: 3, searches: 32, searchLine: 2048, search: 253 } as const;

/** The settings with which a pod is made. */
export function dnsSettings(pod: Pod, cluster: ClusterDNS): DNSSettings {
  const { servers, searches, options } = wanted(pod, cluster);
  const fitting = searches.slice(0, limits.searches).filter(({ length }) => length <= limits.search);
  while (fitting.join(' ').length > limits.searchLine) fitting.pop();
  return { servers: servers.slice(0, limits.servers), searches: fitting, options };
}

/** What a pod is told that does not get the settings that it asks for. */
export function dnsWarnings(pod: Pod, cluster: ClusterDNS): EventText[] {
  const asked = wanted(pod, cluster);
  const { servers, searches } = dnsSettings(pod, cluster);
  const warnings: EventText[] = [];
  const warn = (reason: string, message: string) => warnings.push({ type: 'Warning', reason, message });
  if (wantsClusterDNS(pod) && cluster.servers.length === 0) {
    const why = 'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy';
    warn('MissingClusterDNS', `pod: "${formatPod(identityOf(pod))}". ${why}. Falling back to "Default" policy.`);
  }
  if (servers.length < asked.servers.length) {
    const omitted = 'Nameserver limits were exceeded, some nameservers have been omitted';
    warn('DNSConfigForming', `${omitted}, the applied nameserver line is: ${servers.join(' ')}`);
  }
  if (searches.length < asked.searches.length) {
    const omitted = 'Search Line limits were exceeded, some search paths have been omitted';
    warn('DNSConfigForming', `${omitted}, the applied search line is: ${searches.join(' ')}`);
  }
  return warnings;
}
