// Nodes of several segments, each a namespace with a pod network and pods of its own, and a router between the segments.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node } from '../../src/api/core/v1/types.generated.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { nodes } from '../../src/client/resources.ts';
import type { Informers } from '../../src/client/types.ts';
import { PodNetwork } from '../../src/podnetwork/pod-network.ts';
import type { PodNetworkMode } from '../../src/podnetwork/routes.ts';
import type { Exec, ExecResult } from '../../src/system/exec.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { realRandom } from '../../src/system/real/random.ts';
import { TestNamespace } from './netns.ts';

const cniBin = ['/usr/lib/cni', '/opt/cni/bin'];
export const clusterCIDRs = ['10.244.0.0/16', 'fd00:10:244::/56'];

export interface LabPod {
  readonly space: TestNamespace;
  /** IPv4, then IPv6. */
  readonly ips: readonly string[];
}

export interface LabNodeOptions {
  readonly name: string;
  /** Third byte of its pods' range, and last of its address. */
  readonly number: number;
  readonly segment: number;
  readonly mode?: PodNetworkMode;
  /** The family of its primary address. Default IPv4. */
  readonly primary?: 'IPv4' | 'IPv6';
}

export class LabNode {
  readonly space: TestNamespace;
  readonly name: string;
  readonly ips: readonly string[];
  readonly log: string[] = [];
  readonly informers: Informers;
  readonly network: PodNetwork;
  readonly #lab: NodeLab;
  readonly #folder: string;
  readonly #stop = new AbortController();
  #done: Promise<unknown> = Promise.resolve();
  #programs = 0;

  constructor(lab: NodeLab, { name, number, segment, mode = 'auto', primary = 'IPv4' }: LabNodeOptions) {
    this.#lab = lab;
    this.name = name;
    this.space = lab.namespace(name);
    this.#folder = mkdtempSync(join(tmpdir(), `portico-lab-${name}-`));
    const ips = [`172.30.${segment}.${number}`, `fd00:172:30:${segment}::${number}`];
    this.ips = primary === 'IPv4' ? ips : ips.toReversed();
    lab.router.run(`ip link add to-${name} type veth peer name eth0 netns ${this.space.name}`);
    lab.router.run(`ip link set to-${name} master seg${segment} up`);
    // As on nodes of `portico up`: nobody else has these addresses.
    for (const which of ['all', 'default']) this.space.run(`sysctl -qw net.ipv6.conf.${which}.accept_dad=0`);
    for (const line of [
      'ip link set eth0 up',
      `ip addr add ${ips[0]}/24 dev eth0`,
      `ip addr add ${ips[1]}/64 dev eth0 nodad`,
      `ip route add default via 172.30.${segment}.1`,
      `ip route add default via fd00:172:30:${segment}::1`,
    ]) {
      this.space.run(line);
    }
    const { api } = lab;
    this.informers = createInformers(api, { clock: realClock, random: realRandom });
    this.network = new PodNetwork({
      informers: this.informers,
      client: api,
      exec: { run: (command, options) => this.#run(command, options) },
      files: realFiles,
      clock: realClock,
      nodeName: name,
      clusterCIDRs,
      mode,
      firewallCheck: 300,
      cniConfDir: this.#folder,
      ipamDir: join(this.#folder, 'ipam'),
      log: (message) => this.log.push(message),
    });
  }

  async start(podCIDRs: readonly string[]): Promise<void> {
    await this.#lab.api.resource<Node>(nodes).create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: this.name },
      spec: { podCIDRs: [...podCIDRs] },
      status: { addresses: this.ips.map((address) => ({ type: 'InternalIP', address })) },
    });
    this.#done = Promise.all([this.informers.run(this.#stop.signal), this.network.run(this.#stop.signal)]);
    await this.network.ready;
  }

  /** Whether no program of the pod network runs: it waits for something to happen, or for its next look. */
  get isIdle(): boolean {
    return this.#programs === 0;
  }

  async #run(...given: Parameters<Exec['run']>): Promise<ExecResult> {
    this.#programs += 1;
    try {
      return await this.space.exec.run(...given);
    } finally {
      this.#programs -= 1;
    }
  }

  get mtu(): number {
    return this.#config().mtu;
  }

  /** A pod as containerd makes one: the plugin `bridge`, with the configuration that the pod network wrote. */
  addPod(name: string): LabPod {
    const space = this.#lab.namespace(name);
    const plugins = cniBin.find((folder) => existsSync(join(folder, 'bridge'))) ?? '';
    const [program = '', ...args] = this.space.inside([`${plugins}/bridge`]);
    const output = execFileSync(program, args, {
      encoding: 'utf8',
      input: JSON.stringify({ ...this.#config(), cniVersion: '0.4.0', name: 'portico' }),
      env: {
        ...process.env,
        CNI_COMMAND: 'ADD',
        CNI_CONTAINERID: name,
        CNI_NETNS: `/run/netns/${space.name}`,
        CNI_IFNAME: 'eth0',
        CNI_PATH: plugins,
      },
    });
    const { ips } = JSON.parse(output) as { ips: readonly { address: string }[] };
    return { space, ips: ips.map(({ address }) => address.split('/')[0] ?? '') };
  }

  /** The CNI configuration. */
  get configPath(): string {
    return join(this.#folder, '10-portico.conflist');
  }

  #config(): { readonly mtu: number } {
    const text = readFileSync(this.configPath, 'utf8');
    return (JSON.parse(text) as { plugins: { mtu: number }[] }).plugins[0]!;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done.catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class NodeLab {
  readonly api = new FakeApi({ clock: realClock, random: realRandom });
  readonly router: TestNamespace;
  readonly #purpose: string;
  readonly #namespaces: TestNamespace[] = [];
  readonly #nodes: LabNode[] = [];

  /** With so many segments, 172.30.N.0/24 and fd00:172:30:N::/64 from 1. */
  constructor(purpose: string, segments: number) {
    this.#purpose = purpose;
    this.router = this.namespace('router');
    this.router.run('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
    for (let n = 1; n <= segments; n += 1) {
      this.router.run(`ip link add seg${n} type bridge`);
      this.router.run(`ip addr add 172.30.${n}.1/24 dev seg${n}`);
      this.router.run(`ip addr add fd00:172:30:${n}::1/64 dev seg${n} nodad`);
      this.router.run(`ip link set seg${n} up`);
    }
  }

  namespace(name: string): TestNamespace {
    const space = new TestNamespace(`${this.#purpose}-${name}`);
    this.#namespaces.push(space);
    return space;
  }

  async addNode(options: LabNodeOptions): Promise<LabNode> {
    const node = new LabNode(this, options);
    this.#nodes.push(node);
    await node.start([`10.244.${options.number}.0/24`, `fd00:10:244:${options.number}::/64`]);
    return node;
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) await node.stop();
    for (const space of this.#namespaces) space.close();
  }
}
