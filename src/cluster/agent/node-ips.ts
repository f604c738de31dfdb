// The addresses of a machine that joins, where nobody names them: those of the link over which it reaches the server.
import { lookup } from 'node:dns/promises';
import { hostnameOf } from '../../net/ip.ts';
import type { Clock } from '../../system/clock.ts';
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

export interface FollowOptions {
  /** Those that count now, the primary one first; rejects when the machine has no way to the server. */
  readonly find: () => Promise<readonly string[]>;
  /** All that the machine has. */
  readonly own: () => readonly string[];
  /** Works with these addresses until the signal aborts. */
  readonly run: (nodeIPs: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** Milliseconds between two looks at the machine's addresses. */
const look = 10_000;

/** Runs with the machine's addresses, and anew with others once one of them is gone, until the signal aborts or `run` ends. */
export async function followNodeIPs(options: FollowOptions, signal: AbortSignal): Promise<void> {
  for (let current = await options.find(); ; ) {
    const moved = new AbortController();
    const until = AbortSignal.any([signal, moved.signal]);
    const followed = nextNodeIPs(current, options, until).then(
      (next) => {
        options.log(`the node's addresses are ${next.join(', ')} now, no more ${current.join(', ')}: beginning anew`);
        moved.abort();
        return next;
      },
      () => undefined,
    );
    const failure = await options.run(current, until).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    moved.abort();
    const next = await followed;
    if (next !== undefined) current = next;
    else if (failure) throw failure.error;
    else return;
  }
}

/** What a machine has in place of `current`. While it has nothing (a link that is down) it waits. */
async function nextNodeIPs(
  current: readonly string[],
  { find, own, clock }: FollowOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  for (;;) {
    await clock.sleep(look, signal);
    const present = new Set(own());
    if (current.every((address) => present.has(address))) continue;
    const found = await find().catch(() => []);
    if (found.length > 0 && found.join() !== current.join()) return found;
  }
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
