// How soon `portico dns` knows a Service that the API has just made, each a process of its own.
import { answersOf, askServer } from '../../src/dns/fake/ask.ts';
import { ask } from '../../test/fixtures/api-client.ts';
import { startPortico, startServer, type TestServer } from '../../test/fixtures/portico-process.ts';
import type { Measurement } from '../measurement.ts';
import { percentile } from '../percentile.ts';

const SERVICES = 200;

export async function freshness(): Promise<Measurement[]> {
  const server = await startServer(['--controllers', 'namespace-controller']);
  try {
    const nowhere = ['--metrics-bind-address', '', '--health-bind-address', '', '--ready-bind-address', ''];
    const flags = ['--kubeconfig', server.kubeconfig, '--listen', '127.0.0.1:0', '--upstream', 'none', ...nowhere];
    const dns = await startPortico(['dns', ...flags], /listening on \S+:(\d+)\n[\s\S]*answering for/);
    const times = await timesToResolve(server, Number(dns.ready)).finally(() => dns.stop());
    const row = (what: string, share: number) => ({
      what: `a new Service resolves after the API’s answer, ${what}`,
      ours: percentile(times, share),
      unit: 'ms',
      budget: '20 ms',
    });
    return [row('median', 0.5), row('p99', 0.99)];
  } finally {
    await server.stop();
  }
}

async function timesToResolve(server: TestServer, port: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < SERVICES; i++) {
    const body = { metadata: { name: `new-${i}` }, spec: { ports: [{ port: 80 }] } };
    const created = await ask(server, 'POST', '/api/v1/namespaces/default/services', body);
    const answered = performance.now();
    const known = async () => answersOf(await askServer(`new-${i}.default.svc.cluster.local.`, { port }))[0];
    while ((await known()) !== created.body.spec.clusterIP);
    times.push(performance.now() - answered);
  }
  return times;
}
