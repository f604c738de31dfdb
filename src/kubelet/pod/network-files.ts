// What a pod is called, and what its /etc/hosts says.
import type { Pod } from '../../api/core/v1/types.generated.ts';

/** The kernel's (sethostname(2)). */
const longestHostname = 64;

/** What the pod's kernel namespace is called. Throws for a name that the kernel would not take. */
export function sandboxHostname(pod: Pod, domain: string): string {
  const { hostname, fqdn } = hostNames(pod, domain);
  if (!pod.spec.setHostnameAsFQDN || fqdn === undefined) return hostname;
  if (fqdn.length <= longestHostname) return fqdn;
  const numbers = `(${longestHostname} characters is the max, ${fqdn.length} characters requested)`;
  throw new Error(`failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long ${numbers}`);
}

/** The pod's host name and, with a subdomain, its name in cluster DNS. */
function hostNames(pod: Pod, domain: string): { readonly hostname: string; readonly fqdn?: string } {
  const { hostname, hostnameOverride, subdomain } = pod.spec;
  const name = (hostnameOverride || hostname || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
  if (!subdomain || hostnameOverride) return { hostname: name };
  return { hostname: name, fqdn: `${name}.${subdomain}.${pod.metadata.namespace}.svc.${domain}` };
}

export interface HostsOptions {
  readonly podIPs: readonly string[];
  readonly domain: string;
  /** For pods on the node's network, which are called as the node is: its host name and its /etc/hosts. */
  readonly node?: { readonly hostname: string; readonly hosts: string };
}

export function hostsFile(pod: Pod, options: HostsOptions): string {
  const lines: string[] = [];
  if (options.node) {
    const { hostname, hosts } = options.node;
    lines.push('# Kubernetes-managed hosts file (host network).', hosts.trimEnd());
    // Machines that find their own name by other means (nss-myhostname) may leave it out; images have no such means.
    if (hostname && !namesIn(hosts).has(hostname)) lines.push(...options.podIPs.map((ip) => `${ip}\t${hostname}`));
  } else {
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
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length > 0) {
    lines.push('', '# Entries added by HostAliases.', ...aliases.map((a) => [a.ip, ...(a.hostnames ?? [])].join('\t')));
  }
  return `${lines.join('\n')}\n`;
}

function namesIn(hosts: string): Set<string> {
  return new Set(hosts.split('\n').flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(1)));
}
