// The kernel's limits and timeouts of tracked connections, as kube-proxy v1.36 sets them (--conntrack-*).
import type { Exec } from '../system/exec.ts';
import type { KubeProxyConfiguration } from './configuration/fields.ts';

export interface KernelSetting {
  /** Path of a file that holds one number. */
  readonly path: string;
  readonly value: number;
  /** `raise` leaves a greater number alone. */
  readonly how: 'set' | 'raise';
  /** What it depends on was left alone or set; without it connections are still tracked. */
  readonly optional?: true;
}

const netfilter = '/proc/sys/net/netfilter';
const hashSize = '/sys/module/nf_conntrack/parameters/hashsize';
/** Upstream's limit for machines of many cores. */
const mostConnections = 1_048_576;

/** How many connections to track; 0 leaves the limit alone. */
export function conntrackMax(configuration: KubeProxyConfiguration, cores: number): number {
  const perCore = configuration['conntrack.maxPerCore'];
  if (perCore <= 0) return 0;
  const scaled = Math.min(perCore * cores, mostConnections);
  return Math.max(scaled, configuration['conntrack.min']);
}

/** What the configuration asks of the kernel of a machine of so many cores, in upstream's order. */
export function conntrackSettings(configuration: KubeProxyConfiguration, cores: number): KernelSetting[] {
  const max = conntrackMax(configuration, cores);
  const timeout = (name: string, milliseconds: number): KernelSetting[] =>
    milliseconds > 0 ? [{ path: `${netfilter}/${name}`, value: Math.floor(milliseconds / 1000), how: 'set' }] : [];
  return [
    ...(max > 0
      ? ([
          { path: `${netfilter}/nf_conntrack_max`, value: max, how: 'raise' },
          { path: hashSize, value: Math.floor(max / 4), how: 'raise', optional: true },
        ] as const)
      : []),
    ...timeout('nf_conntrack_tcp_timeout_established', configuration['conntrack.tcpEstablishedTimeout']),
    ...timeout('nf_conntrack_tcp_timeout_close_wait', configuration['conntrack.tcpCloseWaitTimeout']),
    ...(configuration['conntrack.tcpBeLiberal']
      ? ([{ path: `${netfilter}/nf_conntrack_tcp_be_liberal`, value: 1, how: 'set' }] as const)
      : []),
    ...timeout('nf_conntrack_udp_timeout', configuration['conntrack.udpTimeout']),
    ...timeout('nf_conntrack_udp_timeout_stream', configuration['conntrack.udpStreamTimeout']),
  ];
}

async function read(exec: Exec, path: string): Promise<number | undefined> {
  const { code, stdout } = await exec.run(['cat', path]);
  return code === 0 ? Number(stdout) : undefined;
}

/**
 * Writes those that are not as wanted. Gives a line for each that the kernel did not take (a namespace of its own may
 * not change the limits of the machine): the proxy works without them.
 */
export async function applyKernelSettings(exec: Exec, settings: readonly KernelSetting[]): Promise<string[]> {
  const failures: string[] = [];
  for (const { path, value, how, optional } of settings) {
    const present = await read(exec, path);
    if (present === value || (how === 'raise' && present !== undefined && present > value)) continue;
    const { code, stderr } = await exec.run(['tee', path], { input: String(value) });
    if (code !== 0 && !optional) failures.push(`cannot set ${path} to ${value}: ${stderr.trim()}`);
  }
  return failures;
}
