// Machines that share nothing but an IP network: namespaces for network, mounts, processes and host name, with /run and
// /var/lib of their own, on one bridge in a namespace of its own. Nothing of them touches the host's network.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupFolders } from '../../src/cluster/processes.ts';
import { mortal } from '../fixtures/mortal.ts';
import { TestNamespace } from '../kernel/netns.ts';
import { eventually, launcher, type Run, run, start } from './portico.ts';

/** The segment: a switch without addresses. */
export class Lan {
  readonly #switch = new TestNamespace('lan');
  readonly folder = mkdtempSync(join(tmpdir(), 'portico-machines-'));
  readonly #hosts: Host[] = [];

  constructor() {
    this.#switch.run('ip link add lan type bridge');
    this.#switch.run('ip link set lan up');
  }

  /** A machine at 10.77.0.NUMBER and fd00:77::NUMBER. */
  host(name: string, number: number): Host {
    const host = new Host({ name, number, folder: join(this.folder, name) });
    host.namespace.run(`ip link add eth0 type veth peer name m-${name} netns ${this.#switch.name}`);
    this.#switch.run(`ip link set m-${name} master lan up`);
    host.namespace.run('ip link set eth0 up');
    host.namespace.run(`ip address add ${host.address}/24 dev eth0`);
    host.namespace.run(`ip address add fd00:77::${number}/64 dev eth0 nodad`);
    this.#hosts.push(host);
    return host;
  }

  /** Pulls the machine's cable, or puts it back. */
  setCable({ name }: Host, state: 'up' | 'down'): void {
    this.#switch.run(`ip link set m-${name} ${state}`);
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) await host.close();
    this.#switch.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface HostOptions {
  readonly name: string;
  readonly number: number;
  readonly folder: string;
}

export class Host {
  readonly name: string;
  readonly address: string;
  readonly namespace: TestNamespace;
  readonly cgroup: string;
  readonly #folder: string;
  #init: ChildProcess | undefined;
  #agent: ReturnType<typeof start> | undefined;

  constructor({ name, number, folder }: HostOptions) {
    this.name = name;
    this.address = `10.77.0.${number}`;
    this.namespace = new TestNamespace(name);
    this.cgroup = `portico-${this.namespace.name}`;
    this.#folder = folder;
  }

  /** Boots it; commands run inside from now on. */
  async boot(): Promise<void> {
    mkdirSync(join(this.#folder, 'lib'), { recursive: true });
    const script = [
      'set -e',
      'mount -t proc proc /proc',
      'mount -t tmpfs tmpfs /run',
      `mount --bind ${join(this.#folder, 'lib')} /var/lib`,
      `hostname ${this.name}`,
      'echo booted',
      // Process 1 collects what others leave.
      'sleep infinity & while :; do wait; done',
    ].join('\n');
    const unshare = ['unshare', '--mount', '--pid', '--fork', '--uts', '--propagation', 'private', '--kill-child'];
    const [program, ...args] = [...mortal, ...this.namespace.inside([...unshare, 'sh', '-c', script])];
    this.#init = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.#init.stdout!, 'data');
  }

  /** The command inside of the machine's namespaces. */
  inside(command: readonly string[]): string[] {
    const { pid } = this.#init ?? {};
    if (pid === undefined) return this.namespace.inside(command);
    const init = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';
    return ['nsenter', '--target', init, '--net', '--mount', '--pid', '--uts', '--', ...command];
  }

  run(...command: readonly string[]): Promise<Run> {
    return run(this.inside(command));
  }

  /** Starts `portico agent` with these flags; its process id is kept in the machine's own /run. */
  startAgent(...flags: readonly string[]): void {
    const command = [launcher, 'agent', ...flags, '--cgroup-root', `/${this.cgroup}`];
    this.#agent = start(this.inside(['sh', '-c', 'echo $$ >/run/agent.pid; exec "$@"', 'sh', ...command]));
  }

  /** What the agent has printed. */
  get log(): string {
    return this.#agent?.output() ?? '';
  }

  async stopAgent(): Promise<void> {
    await this.run('sh', '-c', 'kill $(cat /run/agent.pid)');
    await this.#agent?.ended;
  }

  /** The body of one HTTP answer on a connection of its own, asked from this machine; undefined when none comes in 2 s. */
  async ask(address: string, port = 80): Promise<string | undefined> {
    const script = `exec 3<>/dev/tcp/${address}/${port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    const { stdout } = await run(this.namespace.inside(['timeout', '2', 'bash', '-c', script]));
    const [head = '', body] = stdout.split('\r\n\r\n');
    return head.startsWith('HTTP/1.1 200') || head.startsWith('HTTP/1.0 200') ? body : undefined;
  }

  async close(): Promise<void> {
    if (this.#init) {
      const ended = once(this.#init, 'exit');
      this.#init.kill('SIGKILL');
      await ended;
    }
    await eventually(`${this.name} to leave its cgroups`, async () => this.#removeCgroups());
    this.namespace.close();
    // What was mounted below is gone with the machine's last process.
    execFileSync('rm', ['-rf', this.#folder]);
  }

  #removeCgroups(): true | undefined {
    try {
      for (const folder of cgroupFolders(this.cgroup)) rmdirSync(folder);
      return true;
    } catch {
      return undefined;
    }
  }
}
