// The shell: watches Nodes and keeps the machine's CNI configuration, routes, tunnel and masquerading as they say.
import { join } from 'node:path';
import { internalIPs, podCIDRsOf } from '../api/core/v1/node/facts.ts';
import type { Node } from '../api/core/v1/types.generated.ts';
import { reportOnce } from '../client/report-once.ts';
import { nodes } from '../client/resources.ts';
import type { Client, Informer, Informers } from '../client/types.ts';
import { containsCIDR, familyOfCIDR, parseCIDR } from '../net/cidr.ts';
import { familyOf } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Files } from '../system/files.ts';
import { Wakeup } from '../system/wakeup.ts';
import { bridge, cniConfig, rangesOfConfig } from './cni-config.ts';
import { type Accept, acceptsFor } from './firewall/accepts.ts';
import { FirewallPassage } from './firewall/firewall-passage.ts';
import { hasChain } from './firewall/nftables.ts';
import { readJSON, runBatch } from './iproute.ts';
import { changedSettings, setKernel } from './kernel-settings.ts';
import { bridgeChanges, type ListedLink, linkAddresses, mtuOf, uplinkOf } from './links.ts';
import { readMachineState, routesIn } from './machine-state.ts';
import { baseChain, masqueradeRuleset, table } from './masquerade.ts';
import {
  type NetworkPlan,
  type PodNetworkMode,
  planNetwork,
  type Route,
  routeChanges,
  routeProtocol,
} from './routes.ts';
import { Tunnel } from './tunnel.ts';
import { macOf, overhead, tunnelAddress, tunnelDevice, type Vtep, vtepAnnotation, vtepText } from './vxlan.ts';

export interface PodNetworkOptions {
  readonly informers: Informers;
  readonly exec: Exec;
  readonly files: Files;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly clusterCIDRs: readonly string[];
  /** Writes this node's end of the tunnel to its Node; without it there are plain routes only. */
  readonly client?: Client;
  /** Default `auto`. */
  readonly mode?: PodNetworkMode;
  /**
   * How often, in milliseconds, what others may have changed is looked at: a firewall that is loaded anew knows nothing of
   * pods, and routes, rules and settings may have gone. Default 5000.
   */
  readonly firewallCheck?: number;
  /** The folder that containerd reads network configurations from. */
  readonly cniConfDir: string;
  /** Where host-local keeps taken addresses; default /var/lib/cni/networks. */
  readonly ipamDir?: string | undefined;
  readonly log: (message: string) => void;
}

/** Changes of Nodes that come together are applied together, after this many milliseconds. */
const settle = 20;
/** What nobody heard of is put right within this time, in milliseconds. */
const resync = 60_000;

/** What one sync has to do with, read from the machine and the Node objects. */
interface Situation {
  readonly own: Readonly<Node>;
  readonly podCIDRs: readonly string[];
  /** What is wrong with the bridge of the pods, as commands that mend it. */
  readonly bridge: readonly string[];
  readonly uplinkMTU: number;
  readonly vtep: Vtep | undefined;
  readonly plan: NetworkPlan;
}

export class PodNetwork {
  /** Resolves when a pod can be given an address. */
  readonly ready: Promise<void>;
  readonly #options: PodNetworkOptions;
  readonly #nodes: Informer<Node>;
  readonly #tunnel: Tunnel;
  readonly #passage: FirewallPassage;
  readonly #becomeReady: () => void;
  #hasTunnel = false;
  #tunnelPeers: readonly string[] = [];
  /** As of the last sync; a text that differs says that somebody was at it. */
  #routes: string | undefined;
  #isDisturbed = false;
  #applied: readonly Route[] = [];
  #written = '';
  #ruleset = '';
  readonly #wakeup = new Wakeup();

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#nodes = options.informers.informer<Node>(nodes);
    this.#tunnel = new Tunnel(options.exec);
    this.#passage = new FirewallPassage(options.exec);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#becomeReady = resolve;
  }

  /** Runs until the signal aborts; what fails is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, exec } = this.#options;
    const failed = reportOnce(log, clock);
    const wake = () => this.#wakeup.wake();
    this.#nodes.addHandler({ added: wake, updated: (n, o) => (differs(n, o) ? wake() : undefined), deleted: wake });
    await Promise.all([this.#nodes.synced(signal), setKernel(exec, log)]);
    // A tunnel of an earlier run is looked after too, or it would stay when nobody needs it.
    this.#hasTunnel = (await this.#read<unknown>('link', 'show', 'dev', tunnelDevice)).length > 0;
    const looking = this.#lookOut(signal);
    while (!signal.aborted) {
      this.#wakeup.forget();
      let retry = resync;
      try {
        await this.#sync();
      } catch (error) {
        retry = 1000;
        failed(error, 'pod network');
      }
      await this.#wakeup.wait(signal, { clock, ms: retry });
      await clock.sleep(settle, signal).catch(() => {});
    }
    await looking;
  }

  /** Other firewalls come and go without a word, and so may what is ours. */
  async #lookOut(signal: AbortSignal): Promise<void> {
    const { clock, log, firewallCheck = 5000 } = this.#options;
    const failed = reportOnce(log, clock);
    while (!signal.aborted) {
      await clock.sleep(firewallCheck, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        const ruleset = this.#ruleset;
        const chains = await this.#passage.ensure(this.#accepts);
        // A table that was written meanwhile is not in the listing.
        const isLost = ruleset !== '' && ruleset === this.#ruleset && !hasChain(chains, baseChain);
        await this.#seeDisturbance(isLost);
      } catch (error) {
        failed(error, 'pod network');
      }
    }
  }

  async #seeDisturbance(isTableLost: boolean): Promise<void> {
    const { exec, log } = this.#options;
    const state = await readMachineState(exec);
    const changed = changedSettings(state);
    if (changed.length > 0) {
      log(`pod network: somebody changed settings of the kernel: ${changed.join(' ')} again`);
      await setKernel(exec, log);
    }
    if (isTableLost) {
      log(`pod network: the table inet ${table} was removed by someone else: writing it anew`);
      this.#ruleset = '';
      this.#wakeup.wake();
    }
    const written = this.#written;
    const found = await this.#options.files.read(this.#configPath);
    // Not when we have written another meanwhile.
    if (written !== '' && written === this.#written && found !== written) {
      log(`pod network: somebody changed ${this.#configPath}: writing it anew`);
      this.#written = '';
      this.#wakeup.wake();
    }
    if (this.#routes !== undefined && routesIn(state) !== this.#routes) {
      this.#isDisturbed = true;
      this.#wakeup.wake();
    }
  }

  get #accepts(): Accept[] {
    const { clusterCIDRs } = this.#options;
    return acceptsFor({ clusterCIDRs, tunnelPeers: this.#tunnelPeers });
  }

  /**
   * The ranges that this node's pods have addresses of, whether or not there is a Node that says so. Those of a cluster with
   * other ranges, which the machine was a node of before, are none.
   */
  async ranges(): Promise<readonly string[]> {
    const clusterCIDRs = this.#options.clusterCIDRs.flatMap((text) => parseCIDR(text) ?? []);
    const isOfCluster = (text: string) => {
      const range = parseCIDR(text);
      return range !== undefined && clusterCIDRs.some((cluster) => containsCIDR(cluster, range));
    };
    return rangesOfConfig(await this.#options.files.read(this.#configPath)).filter(isOfCluster);
  }

  get #configPath(): string {
    return join(this.#options.cniConfDir, '10-portico.conflist');
  }

  /** Takes away what it made, save addresses of pods that still run. */
  async cleanup(): Promise<void> {
    const { exec, files } = this.#options;
    await runBatch(exec, 'ip', routeChanges(await this.#currentRoutes(), []));
    await this.#tunnel.remove();
    await this.cleanupFirewall();
    await exec.run(['nft', '-f', '-'], { input: `table inet ${table}\ndelete table inet ${table}\n` });
    await exec.run(['ip', 'link', 'del', bridge]);
    await files.remove(this.#configPath);
  }

  /** Takes its rules out of other firewalls. */
  cleanupFirewall(): Promise<void> {
    return this.#passage.remove();
  }

  async #sync(): Promise<void> {
    const situation = await this.#look();
    if (!situation) return;
    const results = await Promise.allSettled([this.#publish(situation), this.#apply(situation)]);
    this.#routes = routesIn(await readMachineState(this.#options.exec));
    throwFirst(results);
  }

  async #apply(situation: Situation): Promise<void> {
    const { podCIDRs, plan } = situation;
    if (this.#isDisturbed) await this.#tellOfDisturbance(plan);
    this.#tunnelPeers = plan.peers.map(({ address }) => address).sort();
    const mended = await Promise.allSettled([this.#mendBridge(situation)]);
    if (podCIDRs.length > 0) await this.#writeConfig(situation);
    await this.#masquerade(situation);
    if (podCIDRs.length > 0) this.#becomeReady();
    // Where a kernel has no tunnel, or a gateway cannot be reached, the nodes that can be reached are.
    const tunnel = await Promise.allSettled([this.#syncTunnel(situation)]);
    const changes = routeChanges(await this.#currentRoutes(), plan.routes);
    const rest = await Promise.allSettled([
      runBatch(this.#options.exec, 'ip', changes),
      this.#passage.ensure(this.#accepts),
    ]);
    throwFirst([...mended, ...tunnel, ...rest]);
    this.#applied = plan.routes;
  }

  async #mendBridge({ bridge: changes, podCIDRs }: Situation): Promise<void> {
    if (changes.length === 0) return;
    const { exec, log } = this.#options;
    log(`pod network: the pods' bridge is not as for ${podCIDRs.join(', ')}: ${changes.join(', ')}`);
    await runBatch(exec, 'ip', changes);
  }

  /** Routes come and go with nodes; of those that should have stayed somebody is told. */
  async #tellOfDisturbance({ routes }: NetworkPlan): Promise<void> {
    this.#isDisturbed = false;
    const wanted = new Set(routes.map((route) => JSON.stringify(route)));
    const kept = this.#applied.filter((route) => wanted.has(JSON.stringify(route)));
    const current = await this.#currentRoutes();
    const others = current.filter(({ destination }) => !kept.some((route) => route.destination === destination));
    const changes = routeChanges(current, [...kept, ...others]);
    if (changes.length > 0) this.#options.log(`pod network: somebody changed routes: ${changes.join(', ')}`);
  }

  /** Undefined while this node is not there. */
  async #look(): Promise<Situation | undefined> {
    const { nodeName, client, mode = 'auto' } = this.#options;
    const all = this.#nodes.lister.list();
    const own = this.#nodes.lister.get(nodeName);
    if (!own) return undefined;
    const supported = await this.#families();
    const listed = await this.#read<ListedLink>('addr');
    const uplink = uplinkOf(listed, internalIPs(own));
    const mac = macOf(nodeName);
    const vtep = client && mode !== 'routes' && uplink ? { ...uplink, mac } : undefined;
    const plan = planNetwork({
      nodes: all,
      own: nodeName,
      mode: client ? mode : 'routes',
      links: linkAddresses(listed),
      vtep,
    });
    const podCIDRs = podCIDRsOf(own).filter(supported);
    return {
      own,
      podCIDRs,
      // A node that has no range yet may get the one that it had.
      bridge: bridgeChanges(listed, podCIDRs),
      uplinkMTU: mtuOf(uplink),
      vtep,
      plan: { ...plan, routes: plan.routes.filter((route) => supported(route.destination)) },
    };
  }

  /** Tells the other nodes of this node's end, before any of them needs it. */
  async #publish({ own, vtep }: Situation): Promise<void> {
    const { client, nodeName } = this.#options;
    if (!client || !vtep) return;
    const annotation = vtepText(vtep);
    if (own.metadata.annotations?.[vtepAnnotation] === annotation) return;
    const body = { metadata: { annotations: { [vtepAnnotation]: annotation } } };
    await client.resource<Node>(nodes).patch({ name: nodeName, type: 'merge', body });
  }

  async #writeConfig(situation: Situation): Promise<void> {
    const { files, ipamDir = '/var/lib/cni/networks' } = this.#options;
    const text = cniConfig({ podCIDRs: situation.podCIDRs, mtu: this.#podMTU(situation), dataDir: ipamDir });
    if (text === this.#written) return;
    // It is there before the write is over: meanwhile nobody's change is looked for.
    this.#written = '';
    await files.write(this.#configPath, text);
    this.#written = text;
  }

  /** Pods send packets that fit through the tunnel only where there is one. */
  #podMTU(situation: Situation): number {
    const { uplinkMTU } = situation;
    return needsTunnel(situation, this.#options.mode) ? this.#tunnelMTU(situation) : uplinkMTU;
  }

  #tunnelMTU({ uplinkMTU, vtep }: Situation): number {
    return uplinkMTU - overhead(familyOf(vtep?.address ?? '') ?? 'IPv4');
  }

  async #masquerade({ podCIDRs, plan }: Situation): Promise<void> {
    const { exec, clusterCIDRs } = this.#options;
    const ruleset = masqueradeRuleset({ podCIDRs, clusterCIDRs, nodeIPs: plan.nodeIPs });
    if (ruleset === this.#ruleset) return;
    const { code, stderr } = await exec.run(['nft', '-f', '-'], { input: ruleset });
    if (code !== 0) throw new Error(`nft: ${stderr.trim()}`);
    this.#ruleset = ruleset;
  }

  async #syncTunnel(situation: Situation): Promise<void> {
    const { vtep, podCIDRs, plan } = situation;
    if (!vtep || !needsTunnel(situation, this.#options.mode)) {
      if (this.#hasTunnel) await this.#tunnel.remove();
      this.#hasTunnel = false;
      return;
    }
    this.#hasTunnel = true;
    const mtu = this.#tunnelMTU(situation);
    const addresses = podCIDRs.map(tunnelAddress);
    await this.#tunnel.sync({ mac: vtep.mac, mtu, local: vtep.address, addresses }, plan.peers);
  }

  async #families(): Promise<(cidr: string) => boolean> {
    const ipv6 = (await this.#options.files.read('/proc/net/if_inet6')) !== undefined;
    return (cidr) => ipv6 || familyOfCIDR(cidr) === 'IPv4';
  }

  #read<T>(...command: string[]): Promise<readonly T[]> {
    return readJSON<T>(this.#options.exec, ['ip', '-json', ...command]);
  }

  async #currentRoutes(): Promise<Route[]> {
    type Listed = { readonly dst: string; readonly gateway?: string; readonly dev?: string };
    const read = (family: string) => this.#read<Listed>(family, 'route', 'show', 'proto', String(routeProtocol));
    return [...(await read('-4')), ...(await read('-6'))].map(({ dst, gateway = '', dev }) => ({
      destination: dst,
      gateway,
      ...(dev === tunnelDevice && { device: dev }),
    }));
  }
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function needsTunnel({ plan }: Situation, mode: PodNetworkMode | undefined): boolean {
  return mode === 'vxlan' || plan.peers.length > 0;
}

/** Whether a change of a Node matters here; heartbeats do not. */
function differs(node: Readonly<Node>, old: Readonly<Node>): boolean {
  const key = (n: Readonly<Node>) =>
    JSON.stringify([podCIDRsOf(n), internalIPs(n), n.metadata.annotations?.[vtepAnnotation]]);
  return key(node) !== key(old);
}
