// The shell: watches Nodes and keeps the machine's CNI configuration, routes and masquerading as they say.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node } from '../api/core/v1/types.generated.ts';
import { nodes } from '../client/resources.ts';
import type { Informer, Informers } from '../client/types.ts';
import { familyOf } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Files } from '../system/files.ts';
import { bridge, cniConfig } from './cni-config.ts';
import { masqueradeRuleset, table } from './masquerade.ts';
import { internalIPs, podCIDRsOf, type Route, routeChanges, routeProtocol, routesTo } from './routes.ts';

export interface PodNetworkOptions {
  readonly informers: Informers;
  readonly exec: Exec;
  readonly files: Files;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly clusterCIDRs: readonly string[];
  /** The folder that containerd reads network configurations from. */
  readonly cniConfDir: string;
  /** Where host-local keeps taken addresses; default /var/lib/cni/networks. */
  readonly ipamDir?: string;
  readonly log: (message: string) => void;
}

const sysctls: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
};

/** Changes of Nodes that come together are applied together, after this many milliseconds. */
const settle = 20;
/** Routes and rules that another program removed come back within this time. */
const resync = 60_000;

export class PodNetwork {
  /** Resolves when a pod can be given an address. */
  readonly ready: Promise<void>;
  readonly #options: PodNetworkOptions;
  readonly #nodes: Informer<Node>;
  readonly #becomeReady: () => void;
  #written = '';
  #ruleset = '';
  #wake: () => void = () => {};

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#nodes = options.informers.informer<Node>(nodes);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#becomeReady = resolve;
  }

  /** Runs until the signal aborts; what fails is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let dirty = true;
    const wake = () => {
      dirty = true;
      this.#wake();
    };
    this.#nodes.addHandler({ added: wake, updated: (n, o) => (differs(n, o) ? wake() : undefined), deleted: wake });
    await this.#nodes.synced(signal);
    await this.#setKernel();
    while (!signal.aborted) {
      dirty = false;
      let retry = resync;
      try {
        await this.#sync();
      } catch (error) {
        retry = 1000;
        log(`pod network: ${error instanceof Error ? error.message : error}`);
      }
      await this.#pause(dirty ? 0 : retry, signal);
      await clock.sleep(settle, signal).catch(() => {});
    }
  }

  /** Takes away what it made, save addresses of pods that still run. */
  async cleanup(): Promise<void> {
    const { exec, files, cniConfDir } = this.#options;
    const routes = await this.#currentRoutes();
    await this.#batch(routeChanges(routes, []));
    await exec.run(['nft', '-f', '-'], { input: `table inet ${table}\ndelete table inet ${table}\n` });
    await exec.run(['ip', 'link', 'del', bridge]);
    await files.remove(join(cniConfDir, '10-portico.conflist'));
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      const now = () => {
        timer.cancel();
        resolve();
      };
      this.#wake = now;
      signal.addEventListener('abort', now, { once: true });
      if (signal.aborted) now();
    });
  }

  async #sync(): Promise<void> {
    const all = this.#nodes.lister.list();
    const own = this.#nodes.lister.get(this.#options.nodeName);
    const supported = await this.#families();
    const podCIDRs = (own ? podCIDRsOf(own) : []).filter((c) => supported(c));
    const routes = routesTo(all, this.#options.nodeName).filter((r) => supported(r.destination));
    if (own && podCIDRs.length > 0) await this.#writeConfig(podCIDRs, internalIPs(own));
    const ruleset = masqueradeRuleset({
      podCIDRs,
      clusterCIDRs: this.#options.clusterCIDRs,
      nodeIPs: all.flatMap(internalIPs).sort(),
    });
    if (ruleset !== this.#ruleset) {
      const { code, stderr } = await this.#options.exec.run(['nft', '-f', '-'], { input: ruleset });
      if (code !== 0) throw new Error(`nft: ${stderr.trim()}`);
      this.#ruleset = ruleset;
    }
    if (podCIDRs.length > 0) this.#becomeReady();
    await this.#batch(routeChanges(await this.#currentRoutes(), routes));
  }

  async #writeConfig(podCIDRs: readonly string[], nodeIPs: readonly string[]): Promise<void> {
    const { files, cniConfDir, ipamDir = '/var/lib/cni/networks' } = this.#options;
    const text = cniConfig({ podCIDRs, mtu: await this.#mtu(nodeIPs), dataDir: ipamDir });
    if (text === this.#written) return;
    await files.write(join(cniConfDir, '10-portico.conflist'), text);
    this.#written = text;
  }

  /** MTU of the link that carries the node's address; 1500 where none does. */
  async #mtu(nodeIPs: readonly string[]): Promise<number> {
    const { stdout } = await this.#options.exec.run(['ip', '-json', 'addr']);
    const links = JSON.parse(stdout || '[]') as readonly { mtu?: number; addr_info?: readonly { local?: string }[] }[];
    const uplink = links.find((l) => l.addr_info?.some((a) => nodeIPs.includes(a.local ?? '')));
    return uplink?.mtu ?? 1500;
  }

  async #families(): Promise<(cidr: string) => boolean> {
    const ipv6 = (await this.#options.files.read('/proc/net/if_inet6')) !== undefined;
    return (cidr) => ipv6 || familyOf(cidr.split('/')[0] ?? '') === 'IPv4';
  }

  async #currentRoutes(): Promise<Route[]> {
    const read = async (family: string) => {
      const { stdout } = await this.#options.exec.run([
        'ip',
        '-json',
        family,
        'route',
        'show',
        'proto',
        String(routeProtocol),
      ]);
      const routes = JSON.parse(stdout || '[]') as readonly { dst: string; gateway?: string }[];
      return routes.map(({ dst, gateway = '' }) => ({ destination: dst, gateway }));
    };
    return [...(await read('-4')), ...(await read('-6'))];
  }

  async #batch(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const { code, stderr } = await this.#options.exec.run(['ip', '-force', '-batch', '-'], {
      input: `${lines.join('\n')}\n`,
    });
    if (code !== 0) throw new Error(`ip: ${stderr.trim()}`);
  }

  async #setKernel(): Promise<void> {
    for (const [key, value] of Object.entries(sysctls)) {
      await writeFile(`/proc/sys/${key}`, value).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') this.#options.log(`pod network: ${key}: ${error.message}`);
      });
    }
  }
}

/** Whether a change of a Node matters here; heartbeats do not. */
function differs(node: Readonly<Node>, old: Readonly<Node>): boolean {
  const key = (n: Readonly<Node>) => JSON.stringify([podCIDRsOf(n), internalIPs(n)]);
  return key(node) !== key(old);
}
