// Runs in a network namespace: loads the rules of so many Services in a mode, and connects through them. Prints JSON.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Backend } from '../../src/proxy/backend.ts';
import { IptablesBackend } from '../../src/proxy/iptables/backend.ts';
import { NftablesBackend } from '../../src/proxy/nftables/backend.ts';
import { ownerOf } from '../../src/proxy/owner.ts';
import { ServiceView } from '../../src/proxy/service-view.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { clusterIP, ipv4ConfigOf, node, service, slice } from './objects.ts';

export interface DataPlane {
  /** Microseconds of each connection to a Service, one after another: its first packet goes through the rules. */
  readonly latencies: readonly number[];
  /** Connections opened in a second, 16 at a time. */
  readonly perSecond: number;
}

const rounds = 1000;
const server = '10.128.0.1';

async function load(mode: 'nftables' | 'iptables', services: number): Promise<void> {
  const backend: Backend =
    mode === 'nftables'
      ? new NftablesBackend({ exec: realExec, clock: realClock })
      : new IptablesBackend({ exec: realExec });
  backend.configure([ipv4ConfigOf(mode)]);
  const view = new ServiceView();
  for (let i = 0; i < services; i += 1) {
    view.setService(service(i));
    view.setSlice(slice(i, server));
  }
  for (const name of view.takeChanged()) {
    for (const plan of view.plans(name, 'IPv4', node)) backend.set('IPv4', ownerOf(plan.servicePort), plan);
  }
  await backend.sync({ full: true });
}

/** Opens a connection and resets it, so that no port stays taken; microseconds until it was open. */
async function connection(host: string, port: number): Promise<number> {
  const start = process.hrtime.bigint();
  const socket = connect({ host, port });
  await once(socket, 'connect');
  const took = Number(process.hrtime.bigint() - start) / 1000;
  socket.resetAndDestroy();
  return took;
}

async function measure(target: (round: number) => [host: string, port: number]): Promise<DataPlane> {
  for (let i = 0; i < 200; i += 1) await connection(...target(i));
  const latencies: number[] = [];
  for (let i = 0; i < rounds; i += 1) latencies.push(await connection(...target(i)));
  const start = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < 2 * rounds) await connection(...target(next++));
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return { latencies, perSecond: (2 * rounds * 1000) / (performance.now() - start) };
}

const [mode, count = '0'] = process.argv.slice(2);
const services = Number(count);
for (const line of [
  'ip link set lo up',
  `ip addr add ${server}/32 dev lo`,
  'ip link add out type veth peer name peer',
  'ip addr add 172.18.0.2/24 dev out',
  'ip link set out up',
  'ip link set peer up',
  'ip route add default dev out',
]) {
  const [program = '', ...args] = line.split(' ');
  execFileSync(program, args);
}
const listener = createServer((socket) => socket.on('error', () => {}).destroy());
await once(listener.listen(8080, server), 'listening');
if (mode === 'nftables' || mode === 'iptables') await load(mode, services);
// Without rules: the same straight to the server.
const figures = await measure((round) =>
  mode === 'none' ? [server, 8080] : [clusterIP((round * 7919) % services), 80],
);
listener.close();
process.stdout.write(JSON.stringify(figures));
