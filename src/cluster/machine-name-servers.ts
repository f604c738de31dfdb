// Where names outside of the cluster are asked for, unless somebody says otherwise: the machine's own name servers.
import { readFile } from 'node:fs/promises';

/** systemd-resolved leaves its own address in the first, and what it asks itself in the second. */
const files = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** The name servers of a resolv.conf that a node can reach from its network namespace: none of this machine, none of its links. */
export function reachableNameServers(resolvConf: string): string[] {
  const servers = [...resolvConf.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server = '']) => server);
  return servers.filter((server) => !/^(?:127\.|::1$|fe[89ab][0-9a-f]:)/i.test(server));
}

/** Those of the first file that has any. */
export async function machineNameServers(): Promise<string[]> {
  for (const path of files) {
    const servers = reachableNameServers(await readFile(path, 'utf8').catch(() => ''));
    if (servers.length > 0) return servers;
  }
  return [];
}
