// Throughput between pods of two nodes: the pod network and the proxy as an agent runs them, beside the same namespaces, veth
// pairs and bridges with nothing of ours but the routes. Needs iperf3.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { KubeProxy } from '../../src/proxy/kube-proxy.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { clusterCIDRs, type LabNode, type LabPod, NodeLab } from '../../test/kernel/node-lab.ts';
import type { BenchContext, Measurement } from '../measurement.ts';
import { median } from '../percentile.ts';

const rounds = 5;
const seconds = 3;

/** Gbit/s that arrive, over one TCP connection. */
function throughput(from: LabPod, address: string): number {
  const [program = '', ...args] = from.space.inside(['iperf3', '-J', '-t', String(seconds), '-c', address]);
  const report = JSON.parse(execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 })) as {
    end: { sum_received: { bits_per_second: number } };
  };
  return report.end.sum_received.bits_per_second / 1e9;
}

/** Takes away all rules, and with them the tracking of connections; gives back what puts them there again. */
function bare(node: LabNode): () => void {
  const rules = node.space.run('nft list ruleset');
  node.space.run('nft flush ruleset');
  const filterBridge = (value: 0 | 1) =>
    node.space.run(
      `sysctl -e -qw net.bridge.bridge-nf-call-iptables=${value} net.bridge.bridge-nf-call-ip6tables=${value}`,
    );
  filterBridge(0);
  return () => {
    node.space.run('nft -f -', rules);
    filterBridge(1);
  };
}

async function untilReached(from: LabPod, address: string): Promise<void> {
  for (let tries = 0; (await from.space.exec.run(['ping', '-c1', '-W1', address])).code !== 0; tries += 1) {
    if (tries > 30) throw new Error(`${address} is not reached`);
    await realClock.sleep(100);
  }
}

async function measure(mode: 'routes' | 'vxlan', { progress, undoing }: BenchContext): Promise<Measurement[]> {
  progress(`throughput over ${mode}, ${rounds} rounds for each family`);
  const lab = new NodeLab(`bench-${mode}`, 1);
  const stop = new AbortController();
  const running: Promise<unknown>[] = [];
  const undo = () => {
    stop.abort();
    return lab.close();
  };
  return undoing(undo, async () => {
    const nodes = [
      await lab.addNode({ name: 'a', number: 11, segment: 1, mode }),
      await lab.addNode({ name: 'b', number: 12, segment: 1, mode }),
    ];
    const settings = { mode: 'nftables', clusterCIDRs, serviceCIDRs: ['10.96.0.0/16'], nodePortAddresses: [] } as const;
    for (const { informers, space, name } of nodes) {
      const proxy = new KubeProxy({
        settings,
        nodeName: name,
        informers,
        exec: space.exec,
        clock: realClock,
        log: () => {},
      });
      running.push(proxy.run(stop.signal));
    }
    const [from, to] = nodes.map((node) => node.addPod(`${node.name}1`));
    if (!from || !to) throw new Error('there are no pods');
    const server = to.space.start(['iperf3', '-s', '--forceflush']);
    await once(server.stdout!, 'data');
    for (const ip of to.ips) await untilReached(from, ip);
    stop.abort();
    await Promise.all(running);
    for (const node of nodes) await node.stop();
    const measurements: Measurement[] = [];
    for (const [i, address] of to.ips.entries()) {
      const ours: number[] = [];
      const without: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        ours.push(throughput(from, address));
        const restores = nodes.map(bare);
        without.push(throughput(from, address));
        for (const restore of restores) restore();
      }
      const way = mode === 'routes' ? 'routes' : 'VXLAN';
      measurements.push({
        what: `throughput between pods of two nodes over ${way}, ${i === 0 ? 'IPv4' : 'IPv6'}; bare: the same path without rules`,
        ours: median(ours),
        bare: median(without),
        unit: 'Gbit/s',
        budget: '0.8 x',
      });
    }
    return measurements;
  });
}

export async function run(context: BenchContext): Promise<Measurement[]> {
  return [...(await measure('routes', context)), ...(await measure('vxlan', context))];
}
