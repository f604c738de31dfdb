// What must be true before anything is made: each failure is one line that says what to do.

import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { table } from '../apimachinery/table.ts';
import { Failure } from './failure.ts';

const programs = table<string>({
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  nft: 'nftables',
  iptables: 'iptables',
  ip: 'iproute2',
  conntrack: 'conntrack',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  sleep: 'coreutils',
});

/** Throws a Failure that says how to run the command. */
export function requireRoot(command: string): void {
  if (process.getuid?.() !== 0)
    throw new Failure(`${command} needs root; run it with sudo: sudo ./portico ${command} …`);
}

/** Every program that a cluster needs is on PATH, and the CNI plugins are where one looks for them. Returns their folder. */
export function requirePrograms(path: string): { cniBinDir: string } {
  const folders = path.split(':');
  const isThere = (program: string): boolean =>
    folders.some((f) => statSync(join(f, program), { throwIfNoEntry: false })?.isFile());
  const missing = Object.entries(programs).filter(([program]) => !isThere(program));
  if (missing.length > 0) {
    const names = missing.map(([program]) => program).join(', ');
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
    throw new Failure(`${names} not found on PATH; install it (Debian: apt-get install ${packages}) and try again`);
  }
  const cniBinDir = ['/usr/lib/cni', '/opt/cni/bin'].find((f) => existsSync(join(f, 'bridge')));
  if (!cniBinDir) {
    throw new Failure(
      'the CNI plugins are not in /usr/lib/cni; install them (Debian: apt-get install containernetworking-plugins)',
    );
  }
  return { cniBinDir };
}

/** Fails, naming the holder, when something listens on the port of 127.0.0.1 already. */
export async function requireFreePort(port: number): Promise<void> {
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)));
  });
  if (!error) return;
  if (error.code !== 'EADDRINUSE')
    throw new Failure(`port ${port} cannot be listened on: ${error.message}`, { cause: error });
  const holder = listenerOf(port);
  const who = holder ? `${holder.comm} (pid ${holder.pid})` : 'another process';
  throw new Failure(`port ${port} is taken by ${who}; stop it or choose another with --api-port`);
}

/** The process that listens on a TCP port of this machine, as far as /proc tells. */
function listenerOf(port: number): { pid: number; comm: string } | undefined {
  const listening = '0A';
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!existsSync(table)) continue;
    for (const line of readFileSync(table, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === listening && fields[9]) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        if (inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) {
          return { pid: Number(pid), comm: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() };
        }
      }
    } catch {
      // another user's process, or it ended
    }
  }
  return undefined;
}
