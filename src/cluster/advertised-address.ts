// Which of a server's addresses the Service `kubernetes` leads to.
import { isIP } from 'node:net';
import type { HostPort } from './server-config.ts';

/**
 * Where clients in the cluster reach the server: an address that is not only this machine's own, if there is one, and
 * of the family of the Service `kubernetes`, if there is one.
 */
export function advertisedAddress(addresses: readonly HostPort[], serviceRange = ''): HostPort {
  const reachable = addresses.filter(({ host }) => isIP(host) !== 0 && !/^(127\.|::1$|0\.0\.0\.0$|::$)/.test(host));
  const family = serviceRange.includes(':') ? 6 : 4;
  return reachable.find(({ host }) => isIP(host) === family) ?? reachable[0] ?? addresses[0]!;
}
