// Which kernel settings a pod may make: pure. Upstream's list of safe ones and words (pkg/kubelet/sysctl).
import type { Pod } from '../../api/core/v1/types.generated.ts';

/** Each is a namespace's own, and cannot harm the node or other pods. */
const safe: readonly string[] = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
];

/** The name with dots; slashes separate as well where one comes first (sysctl.d(5)): `net/ipv4/conf/eth0.1/forwarding`. */
export function dotted(name: string): string {
  const [first] = /[./]/.exec(name) ?? [];
  if (first !== '/') return name;
  return name.replace(/[./]/g, (one) => (one === '/' ? '.' : '/'));
}

/** Why the pod's settings are forbidden; undefined when they are not. `allowed` are further names, or prefixes with a final `*`. */
export function forbiddenSysctl({ spec }: Pod, allowed: readonly string[]): string | undefined {
  for (const { name: given } of spec.securityContext?.sysctls ?? []) {
    const name = dotted(given);
    const refuse = (why: string) => `forbidden sysctl: "${name}" ${why}`;
    const isAllowed = [...safe, ...allowed].some((one) =>
      one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name,
    );
    if (!isAllowed) return refuse('not allowlisted');
    if (name.startsWith('net.') && spec.hostNetwork) return refuse('not allowed with host net enabled');
    if (!name.startsWith('net.') && spec.hostIPC) return refuse('not allowed with host ipc enabled');
  }
  return undefined;
}
