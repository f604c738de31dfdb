// Chapter 2: what came of the manifests: addresses, endpoints, DNS records, rules.
import { Failure } from '../../cluster/failure.ts';
import { joinHostPort } from '../../net/ip.ts';
import { table } from '../table.ts';
import type { Demo } from './demo.ts';
import { excerpt, leadsTo } from './node-rules.ts';

export const replicas = 3;

export async function showOutcome({ cluster, page }: Demo): Promise<void> {
  const began = cluster.now;
  const endpoints = await cluster.until(`${replicas} ready endpoints of nginx-service`, async () => {
    const ready = await cluster.readyEndpoints('nginx-service');
    return ready.length === replicas ? ready : undefined;
  });
  await cluster.until('the client pod', async () => (await cluster.isReady('client')) || undefined);
  page.chapter(`What came of it, ${((cluster.now - began) / 1000).toFixed(1)} s later`);
  const service = await cluster.service('nginx-service');
  const clusterIP = service.spec?.clusterIP ?? '';
  page.label('Service', `nginx-service has the ClusterIP ${clusterIP}, port ${service.spec?.ports?.[0]?.port}`);
  const [slice] = await cluster.slices('nginx-service');
  const rows = endpoints.map((e) => [e.ip, e.pod, e.node]);
  page.label(
    'EndpointSlice',
    `${slice?.metadata?.name} (port ${slice?.ports?.[0]?.port})\n${table(['ADDRESS', 'POD', 'NODE'], rows)}`,
  );
  await showEndpoints({ cluster, page }, endpoints.length);
  await showRecords({ cluster, page }, clusterIP, endpoints.length);
  const node = cluster.nodes[0]?.name ?? '';
  const words = wordsOf(clusterIP);
  const rules = await cluster.until(`rules for nginx-service on ${node}`, async () => {
    const found = await cluster.rules(node);
    return leadsTo(found.text, words, { endpoints: endpoints.map(({ ip }) => ip) }) ? found : undefined;
  });
  page.label(`Rules of ${node}`, [`$ ${rules.command}`, ...excerpt(rules.text, words, 16)].join('\n'));
}

/** What rules of nginx-service say: its address, or in the comments of iptables its name. */
export const wordsOf = (clusterIP: string): string[] => [clusterIP, 'default/nginx-service'];

async function showEndpoints({ cluster, page }: Pick<Demo, 'cluster' | 'page'>, expected: number): Promise<void> {
  const addresses = await cluster.until('the Endpoints object nginx-service', async () => {
    const { subsets = [] } = await cluster.endpoints('nginx-service');
    const found = subsets.flatMap((s) =>
      (s.addresses ?? []).flatMap((a) => (s.ports ?? []).map((p) => joinHostPort(a.ip, p.port))),
    );
    return found.length === expected ? found : undefined;
  });
  page.label('Endpoints', `nginx-service ${addresses.join(',')}`);
}

async function showRecords(
  { cluster, page }: Pick<Demo, 'cluster' | 'page'>,
  clusterIP: string,
  expected: number,
): Promise<void> {
  const resolver = cluster.resolver();
  const type = cluster.family === 'IPv4' ? 'A' : 'AAAA';
  const addresses = (of: string) => (type === 'A' ? resolver.resolve4(of) : resolver.resolve6(of));
  const name = (service: string): string => `${service}.default.svc.${cluster.domain}`;
  const [pods, address, targets, alias] = await cluster.until('the DNS records', async () => {
    try {
      const found = await Promise.all([
        addresses(name('nginx-headless')),
        addresses(name('nginx-service')),
        resolver.resolveSrv(`_http._tcp.${name('nginx-headless')}`),
        resolver.resolveCname(name('nginx-external')),
      ]);
      return found[0].length === expected ? found : undefined;
    } catch {
      return undefined;
    }
  });
  if (address.join() !== clusterIP)
    throw new Failure(`DNS says ${address.join(', ')} for nginx-service, which has ${clusterIP}`);
  if (targets.length !== expected)
    throw new Failure(`DNS has ${targets.length} SRV records for nginx-headless instead of ${expected}`);
  const records = [
    ...address.map((a) => [name('nginx-service'), type, a]),
    ...pods.sort().map((a) => [name('nginx-headless'), type, a]),
    ...targets.map((t) => [
      `_http._tcp.${name('nginx-headless')}`,
      'SRV',
      `${t.priority} ${t.weight} ${t.port} ${t.name}`,
    ]),
    ...alias.map((a) => [name('nginx-external'), 'CNAME', a]),
  ];
  page.label('DNS records', table(['NAME', 'TYPE', 'VALUE'], records));
}
