// An image registry for a test: Debian's docker-registry on the host's end of the node network, with one user.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../fixtures/free-port.ts';
import { mortal } from '../fixtures/mortal.ts';
import { eventually, run, type TestCluster } from './portico.ts';

export interface Registry {
  /** `172.30.0.1:41234`; wants the user `user` with the password `secret`. */
  readonly address: string;
  /** Puts one of Portico's own images there under another name; returns its reference. */
  push(image: 'busybox' | 'echo', name: string): Promise<string>;
  stop(): Promise<void>;
}

/** bcrypt of `secret`. */
const password = '$2b$04$O7a8i7TlYN/H/exsSN61a.vLX3JweF/oMKPdiWnT6C1BI13EOxM..';

export async function startRegistry({ name, dataDir }: TestCluster): Promise<Registry> {
  const { index } = JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')) as { index: number };
  const host = `172.30.${index}.1`;
  const address = `${host}:${await freePort(host)}`;
  const folder = mkdtempSync(join(tmpdir(), 'portico-registry-'));
  writeFileSync(join(folder, 'users'), `user:${password}\n`);
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: address },
    auth: { htpasswd: { realm: 'test', path: join(folder, 'users') } },
  };
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  // The nodes' containerds are told that it speaks plain HTTP.
  const hosts = join(dataDir, 'registries', address);
  mkdirSync(hosts, { recursive: true });
  const plain = `[host."http://${address}"]\ncapabilities = ["pull", "resolve"]\n`;
  writeFileSync(join(hosts, 'hosts.toml'), plain);
  const [program, ...args] = [...mortal, 'docker-registry', 'serve', join(folder, 'config.yml')];
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await eventually('the registry', () =>
    fetch(`http://${address}/v2/`).then(
      ({ status }) => (status === 401 ? true : undefined),
      () => undefined,
    ),
  );
  const socket = `/run/portico/${name}/node-1/containerd.sock`;
  const ctr = async (...args: string[]) => {
    const { code, stderr } = await run(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', ...args]);
    if (code !== 0) throw new Error(`ctr images ${args.join(' ')}: ${stderr}`);
  };
  return {
    address,
    async push(image, as) {
      const reference = `${address}/${as}`;
      await ctr('tag', `portico.local/${image}:1`, reference);
      await ctr('push', '--plain-http', '--user', 'user:secret', reference);
      await ctr('rm', reference);
      return reference;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
      rmSync(hosts, { recursive: true, force: true });
    },
  };
}
