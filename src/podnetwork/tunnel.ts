// The shell of the tunnel: reads what the kernel has of it, and makes it what it should be.
import type { Exec } from '../system/exec.ts';
import { readJSON, runBatch } from './iproute.ts';
import {
  entriesOf,
  entryChanges,
  linkChanges,
  type TunnelEntries,
  type TunnelLink,
  type TunnelPeer,
  tunnelDevice,
} from './vxlan.ts';

interface ListedLink {
  readonly address?: string;
  readonly mtu?: number;
  readonly linkinfo?: { readonly info_data?: { readonly local?: string; readonly local6?: string } };
  readonly addr_info?: readonly { readonly local: string }[];
}

export class Tunnel {
  readonly #exec: Exec;

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  /** Rejects with what `ip` or `bridge` complained about. */
  async sync(link: TunnelLink, peers: readonly TunnelPeer[]): Promise<void> {
    const made = linkChanges(await this.#link(), link);
    await runBatch(this.#exec, 'ip', made);
    const { bridge, ip } = entryChanges(await this.#entries(), entriesOf(peers));
    await runBatch(this.#exec, 'bridge', bridge);
    await runBatch(this.#exec, 'ip', ip);
  }

  /** Nothing happens where there is none. */
  async remove(): Promise<void> {
    await this.#exec.run(['ip', 'link', 'del', tunnelDevice]);
  }

  async #link(): Promise<TunnelLink | undefined> {
    const listed = await readJSON<ListedLink>(this.#exec, ['ip', '-json', '-d', 'addr', 'show', 'dev', tunnelDevice]);
    // Links that the question does not mean are listed as empty objects.
    const link = listed.find(({ address }) => address !== undefined);
    if (!link) return undefined;
    const { local, local6 } = link.linkinfo?.info_data ?? {};
    return {
      mac: link.address ?? '',
      mtu: link.mtu ?? 0,
      local: local ?? local6 ?? '',
      addresses: (link.addr_info ?? []).map((a) => a.local),
    };
  }

  async #entries(): Promise<TunnelEntries> {
    const forwarding = await readJSON<{ readonly mac: string; readonly dst?: string }>(this.#exec, [
      'bridge',
      '-json',
      'fdb',
      'show',
      'dev',
      tunnelDevice,
    ]);
    const neighbours: (readonly [string, string])[] = [];
    for (const family of ['-4', '-6']) {
      const listed = await readJSON<{ readonly dst: string; readonly lladdr?: string }>(this.#exec, [
        'ip',
        '-json',
        family,
        'neigh',
        'show',
        'dev',
        tunnelDevice,
        'nud',
        'permanent',
      ]);
      neighbours.push(...listed.map(({ dst, lladdr = '' }) => [dst, lladdr] as const));
    }
    return {
      forwarding: new Map(forwarding.flatMap(({ mac, dst }) => (dst === undefined ? [] : [[mac, dst] as const]))),
      neighbours: new Map(neighbours),
    };
  }
}
