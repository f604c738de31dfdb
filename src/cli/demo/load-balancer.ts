// Chapter 5: a load balancer's addresses, asked from the host.
import { announcedByAnnotation } from '../../api/portico/v1/load-balancer-pool.ts';
import { example } from './actor.ts';
import { tally } from './answers.ts';
import type { Demo } from './demo.ts';
import { replicas } from './outcome.ts';
import { askFromHost, asks, requireAll, untilAllAnswer, urlOf } from './traffic.ts';

const name = 'nginx-public';
const port = 80;

export async function showLoadBalancer({ cluster, page, actor }: Demo): Promise<void> {
  page.chapter('Ask from outside, at an address of its own');
  page.transcript(await actor.apply(example('load-balancer.yaml')));
  const began = cluster.now;
  const { ips, node } = await cluster.until(`an address for ${name}, and a node that answers for it`, async () => {
    const { metadata, status } = await cluster.service(name);
    const given = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
    const announcer = metadata.annotations?.[announcedByAnnotation];
    return given.length > 0 && announcer ? { ips: given, node: announcer } : undefined;
  });
  const took = ((cluster.now - began) / 1000).toFixed(2);
  page.label('LoadBalancer', `${name} has ${ips.join(' and ')} after ${took} s; ${node} answers ARP and NDP for it`);
  for (const ip of ips) {
    const ask = (count: number) => askFromHost(cluster, [ip], { port, count });
    await untilAllAnswer(cluster, ip, ask);
    const lines = await ask(asks);
    const url = urlOf(ip, port);
    const result = tally(asks, lines);
    page.tally(url, result);
    requireAll(url, result, replicas);
  }
}
