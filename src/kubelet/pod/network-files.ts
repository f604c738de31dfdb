// What a pod's resolv.conf and /etc/hosts say.
import type { Pod } from '../../api/core/v1/types.generated.ts';

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

/** resolv.conf(5), the lines that matter; the last `search` line counts. */
export function parseResolvConf(text: string): DNSSettings {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) servers.push(values[0]);
    else if (keyword === 'search' || keyword === 'domain') searches = values.map((v) => v.replace(/(.)\.$/, '$1'));
    else if (keyword === 'options') options = values;
  }
  return { servers, searches, options };
}

/** The resolv.conf of a pod by its dnsPolicy, with dnsConfig merged in (kubelet's dns configurer). */
export function dnsSettings(pod: Pod, { servers, domain, node }: ClusterDNS): DNSSettings {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false, dnsConfig } = pod.spec ?? {};
  const namespace = pod.metadata.namespace ?? 'default';
  const cluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  let base: DNSSettings = node;
  if (dnsPolicy === 'None') base = { servers: [], searches: [], options: [] };
  else if (cluster) {
    const searches = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
    base = { servers, searches: unique([...searches, ...node.searches]), options: ['ndots:5'] };
  }
  if (!dnsConfig) return base;
  const options = new Map(base.options.map((o) => [o.split(':')[0] ?? o, o]));
  for (const { name = '', value } of dnsConfig.options ?? [])
    options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...(dnsConfig.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig.searches ?? [])]),
    options: [...options.values()],
  };
}

/** The kernel's (sethostname(2)). */
const longestHostname = 64;

/** What the pod's kernel namespace is called. Throws for a name that the kernel would not take. */
export function sandboxHostname(pod: Pod, domain: string): string {
  const { hostname, fqdn } = hostNames(pod, domain);
  if (!pod.spec?.setHostnameAsFQDN || fqdn === undefined) return hostname;
  if (fqdn.length <= longestHostname) return fqdn;
  const numbers = `(${longestHostname} characters is the max, ${fqdn.length} characters requested)`;
  throw new Error(`failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long ${numbers}`);
}

/** The pod's host name and, with a subdomain, its name in cluster DNS. */
export function hostNames(pod: Pod, domain: string): { readonly hostname: string; readonly fqdn?: string } {
  const { hostname, hostnameOverride, subdomain } = pod.spec ?? {};
  const name = (hostnameOverride || hostname || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
  if (!subdomain || hostnameOverride) return { hostname: name };
  return { hostname: name, fqdn: `${name}.${subdomain}.${pod.metadata.namespace}.svc.${domain}` };
}

/** `base` is the node's /etc/hosts, for pods on the node's network. */
export function hostsFile(
  pod: Pod,
  options: { readonly podIPs: readonly string[]; readonly domain: string; readonly base?: string },
): string {
  const lines: string[] = [];
  if (options.base !== undefined) lines.push('# Kubernetes-managed hosts file (host network).', options.base.trimEnd());
  else {
    const { hostname, fqdn } = hostNames(pod, options.domain);
    lines.push(
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      ...options.podIPs.map((ip) => [ip, ...(fqdn ? [fqdn] : []), hostname].join('\t')),
    );
  }
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length > 0) {
    lines.push('', '# Entries added by HostAliases.', ...aliases.map((a) => [a.ip, ...(a.hostnames ?? [])].join('\t')));
  }
  return `${lines.join('\n')}\n`;
}
