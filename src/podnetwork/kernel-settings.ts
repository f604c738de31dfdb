// Settings of the kernel without which packets of pods do not pass.
import type { Exec } from '../system/exec.ts';

const settings: readonly string[] = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  // What goes from pod to pod of one node passes the bridge only: Services and policies see it all the same.
  'net.bridge.bridge-nf-call-iptables=1',
  'net.bridge.bridge-nf-call-ip6tables=1',
];

/** Where the kernel shows them. */
export const settingFiles: readonly string[] = settings.map(fileOf);

function fileOf(setting: string): string {
  return `/proc/sys/${setting.slice(0, setting.indexOf('=')).replaceAll('.', '/')}`;
}

/** Those of them that somebody changed, of lines `FILE:VALUE`. A setting that the kernel lacks is not among them. */
export function changedSettings(lines: readonly string[]): string[] {
  return settings.filter((setting) => {
    const file = `${fileOf(setting)}:`;
    const line = lines.find((text) => text.startsWith(file));
    return line !== undefined && line.slice(file.length) !== setting.slice(setting.indexOf('=') + 1);
  });
}

/** Settings that the kernel lacks are passed over; what else is refused is told of. */
export async function setKernel(exec: Exec, log: (message: string) => void): Promise<void> {
  // Built in or loaded already, or not to be had: the settings show which.
  await exec.run(['modprobe', '-q', 'br_netfilter']).catch(() => {});
  const { code, stderr } = await exec.run(['sysctl', '-e', '-q', '-w', ...settings]);
  if (code !== 0) log(`pod network: ${stderr.trim().replaceAll('\n', ' | ')}`);
}
