// The addresses of a machine that joins, where nobody names them: those of the link over which it reaches the server.
import { lookup } from 'node:dns/promises';
import { hostnameOf } from '../../net/ip.ts';
import type { Exec } from '../../system/exec.ts';
import { Failure } from '../failure.ts';

interface Route {
  readonly dev?: string;
  readonly prefsrc?: string;
}

interface LinkAddress {
  readonly local?: string;
  readonly family?: string;
  readonly scope?: string;
  readonly deprecated?: boolean;
  readonly temporary?: boolean;
}

/** The primary one first: of the family in which the server is reached; then one of the other family, if there is one. */
export function chooseNodeIPs(route: Route, addresses: readonly LinkAddress[]): string[] {
  // Deprecated ones come and go: a load balancer's, for one.
  const lasting = addresses.filter((a) => a.scope === 'global' && !a.deprecated && !a.temporary);
  const primary = route.prefsrc ?? lasting[0]?.local;
  if (!primary) return [];
  const isOther = ({ local = '' }: LinkAddress) => local.includes(':') !== primary.includes(':');
  const other = lasting.find(isOther)?.local;
  return other ? [primary, other] : [primary];
}

/** Fails when the machine has no way to the server. */
export async function findNodeIPs(exec: Exec, server: string): Promise<string[]> {
  const host = hostnameOf(new URL(server));
  const { address } = await lookup(host).catch((error: unknown) => {
    throw new Failure(`cannot join ${server}: there is no such name`, { cause: error });
  });
  const way = await wayTo(exec, address);
  const links = way.dev ? await ask<{ addr_info?: LinkAddress[] }>(exec, ['address', 'show', 'dev', way.dev]) : [];
  const ips = chooseNodeIPs(
    way,
    links.flatMap(({ addr_info = [] }) => addr_info),
  );
  if (ips.length === 0) throw new Failure(`this machine has no way to ${server}; name its addresses with --node-ip`);
  return ips;
}

/** A server on the machine itself is reached over no link: that of its address counts, else that of the default route. */
async function wayTo(exec: Exec, address: string): Promise<Route> {
  const [route] = await ask<Route>(exec, ['route', 'get', address]);
  if (route?.dev !== 'lo') return route ?? {};
  const [link] = await ask<{ ifname?: string }>(exec, ['address', 'show', 'to', address]);
  if (link?.ifname && link.ifname !== 'lo') return { dev: link.ifname, prefsrc: address };
  return (await ask<Route>(exec, ['route', 'show', 'default']))[0] ?? {};
}

async function ask<T>(exec: Exec, command: readonly string[]): Promise<T[]> {
  const { code, stdout } = await exec.run(['ip', '-json', ...command]);
  return code === 0 ? (JSON.parse(stdout || '[]') as T[]) : [];
}
