// The switches of the kernel that the mode needs (service-semantics 6), as arguments of sysctl, and the timeouts of IPVS.
import type { IpvsSettings } from './settings.ts';

/** `release` as `uname -r` prints it: `6.1.0-56-cloud-amd64`. */
function isBetween(release: string, from: readonly [number, number], below: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const number = major * 1000 + minor;
  return number >= from[0] * 1000 + from[1] && number < below[0] * 1000 + below[1];
}

export function sysctlsOf(settings: IpvsSettings, release: string): string[] {
  const switches = [
    'net.ipv4.vs.conntrack=1',
    'net.ipv4.vs.expire_nodest_conn=1',
    'net.ipv4.vs.expire_quiescent_template=1',
    'net.ipv4.ip_forward=1',
  ];
  // Kernels before 4.1 lack it; from 5.9 on the default does no harm.
  if (isBetween(release, [4, 1], [5, 9])) switches.push('net.ipv4.vs.conn_reuse_mode=0');
  if (settings.strictARP) switches.push('net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2');
  return switches;
}

/** The arguments of `ipvsadm --set`, in seconds, where 0 leaves a timeout alone; undefined when all are left alone. */
export function timeoutsOf(settings: IpvsSettings): string[] | undefined {
  const { tcpTimeout = 0, tcpFinTimeout = 0, udpTimeout = 0 } = settings;
  const seconds = [tcpTimeout, tcpFinTimeout, udpTimeout].map((milliseconds) => Math.floor(milliseconds / 1000));
  return seconds.some((value) => value > 0) ? seconds.map(String) : undefined;
}
