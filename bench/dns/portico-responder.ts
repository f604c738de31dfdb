// DNS as it serves: a zone of 10,000 Services and one headless Service of 1,000 endpoints, without an API server.
import { Forwarder } from '../../src/dns/forward/forwarder.ts';
import { LoopToken } from '../../src/dns/forward/loop-token.ts';
import { listen } from '../../src/dns/listener.ts';
import { MeteredResponder } from '../../src/dns/metered-responder.ts';
import { QueryMetrics } from '../../src/dns/metrics/query-metrics.ts';
import { Responder } from '../../src/dns/respond.ts';
import { ClusterZone } from '../../src/dns/zone/view.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';

const SERVICES = 10_000;
const view = new ClusterZone();
view.setNamespace({ metadata: { name: 'bench' }, spec: {} });
for (let i = 0; i < SERVICES; i++) {
  const clusterIP = `10.96.${(i >> 8) & 255}.${i & 255}`;
  const spec = { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80 }] };
  view.setService({ metadata: { name: `service-${i}`, namespace: 'bench' }, spec });
}
view.setService({ metadata: { name: 'headless', namespace: 'bench' }, spec: { clusterIP: 'None' } });
view.setSlice({
  metadata: { name: 'headless-1', namespace: 'bench', labels: { 'kubernetes.io/service-name': 'headless' } },
  addressType: 'IPv4',
  ports: [],
  endpoints: Array.from({ length: 1000 }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] })),
});
const loopToken = new LoopToken(realRandom);
const ask = () => Promise.reject(new Error('there is no upstream'));
const responder = new Responder({
  view,
  config: { zone: 'cluster.local.', ttl: 30, pods: 'insecure', serverAddresses: ['127.0.0.1'] },
  forwarder: new Forwarder({ routes: { upstreams: [] }, ask, clock: realClock, loopToken }),
  loopToken,
  random: realRandom,
  ready: () => true,
  ownsAddress: () => true,
});
const log = (message: string): void => void process.stderr.write(`${message}\n`);
const metered = new MeteredResponder({ responder: () => responder, metrics: new QueryMetrics(), log });
const [bound] = await listen(
  { addresses: [{ address: '127.0.0.1', port: 0 }], respond: metered.respond.bind(metered) },
  new AbortController().signal,
);
process.send?.(bound?.port);
