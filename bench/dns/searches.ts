// What answering a pod's search at its first name saves: queries and time of one look-up of an external name with ndots:5,
// as glibc makes it (A and AAAA at once for each name of the search, the next names when neither is there).
import { answersOf, askServer } from '../../src/dns/fake/ask.ts';
import { startUpstream } from '../../src/dns/fake/upstream-server.ts';
import { Exchange } from '../../src/dns/forward/exchange.ts';
import { Forwarder } from '../../src/dns/forward/forwarder.ts';
import { LoopToken } from '../../src/dns/forward/loop-token.ts';
import { listen } from '../../src/dns/listener.ts';
import { Responder } from '../../src/dns/respond.ts';
import { RCODE, TYPE } from '../../src/dns/wire/message.ts';
import { ClusterZone } from '../../src/dns/zone/view.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import type { Measurement } from '../measurement.ts';

const LOOK_UPS = 500;
const searchPath = ['bench.svc.cluster.local.', 'svc.cluster.local.', 'cluster.local.'];

/** Portico's side is with the search answered at once, the other without. */
export async function searches(): Promise<Measurement[]> {
  const [without, together] = [await lookUps('each-by-itself'), await lookUps('at-once')];
  const budget = '–';
  return [
    {
      what: 'queries of one external look-up, ndots:5 (bare: autopath off)',
      ours: together.queries,
      bare: without.queries,
      unit: '',
      budget,
    },
    {
      what: 'time of one external look-up, ndots:5 (bare: autopath off)',
      ours: together.ms,
      bare: without.ms,
      unit: 'ms',
      budget,
    },
  ];
}

async function lookUps(mode: 'at-once' | 'each-by-itself') {
  const upstream = await startUpstream({
    say: ({ question: { name, type } }) =>
      /^www\.example\.com\.$/i.test(name)
        ? { answers: type === TYPE.A ? [{ name, ttl: 300, data: { type: 'A', address: '198.51.100.7' } }] : [] }
        : { rcode: RCODE.NXDOMAIN },
  });
  const stop = new AbortController();
  const port = await startResponder(upstream.port, mode, stop.signal);
  let queries = 0;
  const lookUp = async () => {
    for (const domain of [...searchPath, '']) {
      queries += 2;
      const ask = (type: number) => askServer(`www.example.com.${domain}`, { port, type });
      const [a] = await Promise.all([ask(TYPE.A), ask(TYPE.AAAA)]);
      if (answersOf(a).length > 0) return;
    }
  };
  await lookUp();
  queries = 0;
  const started = performance.now();
  for (let i = 0; i < LOOK_UPS; i++) await lookUp();
  const ms = (performance.now() - started) / LOOK_UPS;
  stop.abort();
  await upstream.close();
  return { queries: queries / LOOK_UPS, ms };
}

async function startResponder(upstreamPort: number, mode: 'at-once' | 'each-by-itself', signal: AbortSignal) {
  const view = new ClusterZone();
  view.setNamespace({ metadata: { name: 'bench' }, spec: {} });
  const system = { clock: realClock, random: realRandom };
  const loopToken = new LoopToken(realRandom);
  const routes = { upstreams: [{ protocol: 'dns' as const, address: '127.0.0.1', port: upstreamPort }] };
  const responder = new Responder({
    view,
    config: { zone: 'cluster.local.', ttl: 30, pods: 'insecure', serverAddresses: [] },
    forwarder: new Forwarder({ routes, ask: new Exchange(system).ask, clock: realClock, loopToken }),
    loopToken,
    random: realRandom,
    ready: () => true,
    ownsAddress: () => true,
    searchPathOf: mode === 'at-once' ? () => searchPath : undefined,
  });
  const addresses = [{ address: '127.0.0.1', port: 0 }];
  const [bound] = await listen({ addresses, respond: (packet, client) => responder.respond(packet, client) }, signal);
  return bound?.port ?? 0;
}
