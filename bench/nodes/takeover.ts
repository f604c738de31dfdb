// How long nobody answers for a load balancer's address when the node that does dies.
import { ask, LoadBalancerCluster } from '../../test/e2e/load-balancers.ts';
import { eventually } from '../../test/e2e/portico.ts';
import type { BenchContext, Measurement } from '../measurement.ts';

const rounds = 5;
const service = 'local';

export async function run({ progress, undoing }: BenchContext): Promise<Measurement[]> {
  progress('a cluster of three nodes, for load balancers');
  const starting = LoadBalancerCluster.start('bench-lb');
  return undoing(
    async () => (await starting).cluster.remove(),
    async () => {
      const lb = await starting;
      // With policy Local the silence is that of the address alone: no packet goes on to a node that is dead.
      const [ip = ''] = await lb.create(service, { externalTrafficPolicy: 'Local' });
      const port = (await lb.service(service)).spec?.healthCheckNodePort ?? 0;
      const settled = async () => {
        await eventually('every node to have an endpoint', async () => {
          const nodes = await Promise.all(lb.network.nodes.map(({ addresses }) => ask(addresses[0], { port })));
          return nodes.every((answer) => answer?.status === 200) || undefined;
        });
        await eventually('one node to answer', async () => {
          const node = await lb.announcer(service);
          return lb.holders(ip).join() === node && (await ask(ip))?.status === 200 ? node : undefined;
        });
      };
      const cut: number[] = [];
      const killed: number[] = [];
      for (let i = 0; i < rounds; i += 1) {
        progress(`the announcing node is cut off, ${i + 1} of ${rounds}`);
        await settled();
        const { silence, old } = await lb.takeover(service, (node) => lb.setCable(node, 'down'));
        cut.push(silence);
        lb.setCable(old, 'up');
      }
      for (let i = 0; i < rounds; i += 1) {
        progress(`the announcing agent is killed, ${i + 1} of ${rounds}`);
        await settled();
        killed.push((await lb.takeover(service, (node) => lb.killAgent(node))).silence);
        await lb.repair();
      }
      const worst = (times: readonly number[]) => ({ ours: Math.max(...times), unit: 'ms', budget: '2,000 ms' });
      return [
        { what: `a load balancer’s address without an answer, its node cut off (worst of ${rounds})`, ...worst(cut) },
        { what: `… its node’s agent killed (worst of ${rounds})`, ...worst(killed) },
      ];
    },
  );
}
