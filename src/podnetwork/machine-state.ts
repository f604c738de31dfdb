// What others may take away from a node's network without a word. One program that reads files of the kernel tells; it costs a
// thousandth of a listing by `ip`, so it may run every few seconds.
import type { Exec } from '../system/exec.ts';
import { settingFiles } from './kernel-settings.ts';

const routeFile = '/proc/net/route';
const route6File = '/proc/net/ipv6_route';

/** Lines `FILE:TEXT` of the routes and of the settings. */
export async function readMachineState(exec: Exec): Promise<readonly string[]> {
  const { stdout } = await exec.run(['grep', '-Hs', '.', routeFile, route6File, ...settingFiles]);
  return stdout.split('\n').filter((line) => line !== '');
}

/**
 * The routes, as a text that is the same while they are. Left out are counters, and IPv6's routes to each link's own addresses,
 * which come and go with every pod.
 */
export function routesIn(lines: readonly string[]): string {
  const routes = lines.flatMap((line) => {
    if (line.startsWith(`${routeFile}:`)) return [line];
    if (!line.startsWith(`${route6File}:`)) return [];
    const [destination = '', length, , , gateway, , , , , device = ''] = line.slice(route6File.length + 1).split(/\s+/);
    if (/^(fe80|ff)/.test(destination) || length === '80' || device === 'lo') return [];
    return [`${destination}/${length} ${gateway} ${device}`];
  });
  return routes.sort().join('\n');
}
