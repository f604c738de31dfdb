// Chapters 6 and 7: what changes behind the door while the client never changes what it asks for.
import { Failure } from '../../cluster/failure.ts';
import { longestGap, parseTimedAsks, type TimedAsk, tally } from './answers.ts';
import type { Demo } from './demo.ts';
import type { ReadyEndpoint } from './demo-cluster.ts';
import { excerpt, leadsTo } from './node-rules.ts';
import { replicas, wordsOf } from './outcome.ts';
import { askScript, requireAll } from './traffic.ts';

const interval = 0.02;
/**
 * Seconds beyond the endpoint's leaving that a request may be without an answer: its own time, one lost packet's, and what a
 * busy machine takes to tell its nodes.
 */
const grace = 10;

/** Seconds after which the client ends by itself, for who ended the demo before it could be stopped. */
const longest = 600;

/**
 * Asks by name every 20 ms, not waiting for answers, until /tmp/stop is there. Prints `BEGAN ENDED ANSWER` for each ask
 * in seconds since boot, and keeps the answers in /tmp/heard.
 */
export const steadyClient = (seconds = longest) => `rm -f /tmp/stop; : >/tmp/heard
read -r start _ </proc/uptime
ask() {
  answer=$(timeout 2 wget -q -O - http://nginx-service 2>/dev/null)
  read -r ended _ </proc/uptime
  echo "$1 $ended \${answer:--}"
  echo "$answer" >>/tmp/heard
}
while [ ! -e /tmp/stop ]; do
  read -r began _ </proc/uptime
  [ $((\${began%.*} - \${start%.*})) -le ${seconds} ] || break
  ask $began &
  usleep ${interval * 1e6}
done
wait`;

export async function showKill({ cluster, page, actor }: Demo): Promise<void> {
  page.chapter('Kill a pod while the client asks every 20 ms');
  const before = await cluster.readyEndpoints('nginx-service');
  const [victim] = before;
  if (!victim) throw new Failure('nginx-service has no endpoint to kill');
  const asking = cluster.inClient(steadyClient());
  asking.catch(() => {}); // reported where it is awaited
  await cluster.until(
    'the client to begin',
    async () => (await cluster.inClient('ls /tmp')) !== undefined || undefined,
  );
  const killed = cluster.now;
  page.transcript(await actor.deletePod(victim.pod));
  await cluster.until(`${victim.pod} to leave the endpoints`, async () => {
    const now = await cluster.readyEndpoints('nginx-service');
    return now.every((e) => e.pod !== victim.pod) || undefined;
  });
  const left = (cluster.now - killed) / 1000;
  const fresh = await cluster.until('a new pod to join', async () => {
    const now = await cluster.readyEndpoints('nginx-service');
    return now.length === replicas ? now.find((e) => before.every((b) => b.pod !== e.pod)) : undefined;
  });
  const joined = (cluster.now - killed) / 1000;
  await cluster.until(
    `${fresh.pod} to answer the client`,
    async () => (await cluster.inClient('cat /tmp/heard')).includes(`${fresh.pod} `) || undefined,
  );
  await cluster.inClient('touch /tmp/stop');
  const asks = parseTimedAsks(await asking);
  const failures = asks.filter((a) => !a.answer);
  const gap = longestGap(asks);
  page.label('Left', `${victim.pod} after ${left.toFixed(2)} s`);
  page.label('Joined', `${fresh.pod} on ${fresh.node} after ${joined.toFixed(2)} s, by itself`);
  page.label(
    'Client',
    `${asks.length} asks, ${failures.length} without an answer; longest time between two answers ${gap.toFixed(2)} s`,
  );
  requireKill({ asks, gap, left, fresh });
}

function requireKill({
  asks,
  gap,
  left,
  fresh,
}: {
  asks: readonly TimedAsk[];
  gap: number;
  left: number;
  fresh: ReadyEndpoint;
}): void {
  const failures = asks.filter((a) => !a.answer).map((a) => a.began);
  const failing = failures.length > 0 ? Math.max(...failures) - Math.min(...failures) : 0;
  if (failing > left + grace)
    throw new Failure(
      `requests failed for ${failing.toFixed(2)} s, though the endpoint left after ${left.toFixed(2)} s`,
    );
  if (gap > left + grace)
    throw new Failure(
      `no request was answered for ${gap.toFixed(2)} s, though the endpoint left after ${left.toFixed(2)} s`,
    );
  if (!asks.some((a) => a.answer?.pod === fresh.pod))
    throw new Failure(`the new pod ${fresh.pod} answered none of the client's requests`);
}

export async function showSelectorAndScale(demo: Demo): Promise<void> {
  const { cluster, page, actor } = demo;
  page.chapter('Change the selector, then scale up');
  const [chosen] = await cluster.readyEndpoints('nginx-service');
  if (!chosen) throw new Failure('nginx-service has no endpoint to choose');
  page.transcript(await actor.labelPod(chosen.pod, 'track', 'canary'));
  page.transcript(await actor.setSelector('nginx-service', { app: 'nginx', track: 'canary' }));
  await showFollow(demo, 1, 20);
  page.transcript(await actor.setSelector('nginx-service', { app: 'nginx', track: null }));
  page.transcript(await actor.scale('nginx', 5));
  await showFollow(demo, 5, 100);
}

/** Waits until endpoints and the rules of a node have followed, and shows that traffic does. */
async function showFollow({ cluster, page }: Demo, expected: number, asks: number): Promise<void> {
  const began = cluster.now;
  const ready = await cluster.until(`${expected} endpoints`, async () => {
    const found = await cluster.readyEndpoints('nginx-service');
    return found.length === expected ? found : undefined;
  });
  const words = wordsOf((await cluster.service('nginx-service')).spec?.clusterIP ?? '');
  const node = cluster.nodes[0]?.name ?? '';
  const rules = await cluster.until(`rules for ${expected} endpoints on ${node}`, async () => {
    const found = await cluster.rules(node);
    const endpoints = ready.map(({ ip }) => ip);
    const all = await cluster.readyEndpoints('nginx-headless');
    const others = all.map(({ ip }) => ip).filter((ip) => !endpoints.includes(ip));
    return leadsTo(found.text, words, { endpoints, others }) ? found : undefined;
  });
  page.label('Endpoints', `${ready.map((e) => e.ip).join(', ')} after ${((cluster.now - began) / 1000).toFixed(2)} s`);
  page.label(`Rules of ${node}`, excerpt(rules.text, words, 10).join('\n'));
  const url = 'http://nginx-service';
  const result = await cluster.until(`answers from ${expected} pods`, async () => {
    const found = tally(asks, (await cluster.inClient(askScript(url, asks))).split('\n'));
    return found.pods.length === expected ? found : undefined;
  });
  page.tally(url, result);
  requireAll(url, result, expected);
}
