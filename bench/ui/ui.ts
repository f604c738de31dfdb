// The page at 3,000 pods behind 300 Services on 100 hollow nodes: how long it takes to open, how smoothly it moves while 50
// pods a second change, and how long a trace takes to answer.
import type { Page } from 'playwright-core';
import { realExec } from '../../src/system/real/exec.ts';
import { ask } from '../../test/fixtures/api-client.ts';
import { keepScreenshot, openPage, startBrowser } from '../../test/fixtures/browser.ts';
import { repository, startServer, type TestServer } from '../../test/fixtures/portico-process.ts';
import type { Measurement } from '../measurement.ts';
import { median } from '../percentile.ts';

const services = 300;
const podsOfEach = 10;
const nodes = 100;
const changesPerSecond = 50;
const seconds = 6;
const traces = 20;

export async function run(): Promise<Measurement[]> {
  const server = await startServer(['--hollow-nodes', String(nodes)]);
  const browser = await startBrowser();
  try {
    await fill(server);
    const { page } = await openPage(browser, 'about:blank');
    const bareFrames = await framesPerSecond(page, async () => sleep(2000));
    const link = await linkOf(server);
    const started = performance.now();
    await page.goto(link);
    while ((await podsDrawn(page)) < services * podsOfEach) await sleep(5);
    const opened = performance.now() - started;
    await keepScreenshot(page, 'many');
    const frames = await framesPerSecond(page, () => churn(server));
    const answered = await traceTimes(page);
    return [
      { what: 'open the page: 3,000 pods, 300 Services', ours: opened, unit: 'ms', budget: '2,000 ms' },
      {
        what: '… while 50 pods a second change',
        ours: frames,
        bare: bareFrames,
        unit: 'frames/s',
        budget: '30 frames/s',
      },
      { what: 'trace, nftables, median', ours: answered.median, unit: 'ms', budget: '200 ms' },
      { what: 'trace, nftables, slowest of 20', ours: answered.slowest, unit: 'ms', budget: '200 ms' },
    ];
  } finally {
    await browser.close();
    await server.stop();
  }
}

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Squares tell nobody apart, but each node's grid says of how many it is made. */
async function podsDrawn(page: Page): Promise<number> {
  const sum = `[...document.querySelectorAll('.grid')].reduce((pods, grid) => pods + parseInt(grid.ariaLabel), 0)`;
  return (await page.evaluate(sum)) as number;
}

async function fill(server: TestServer): Promise<void> {
  for (let i = 0; i < services; i++) {
    const labels = { app: `s${i}` };
    const metadata = { name: `s${i}`, namespace: 'default' };
    const spec = { containers: [{ name: 'c', image: 'x' }], terminationGracePeriodSeconds: 0 };
    const deployment = {
      replicas: podsOfEach,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    };
    await create(server, '/api/v1/namespaces/default/services', {
      metadata,
      spec: { selector: labels, ports: [{ port: 80 }] },
    });
    await create(server, '/apis/apps/v1/namespaces/default/deployments', { metadata, spec: deployment });
  }
  for (;;) {
    const { body } = await ask(server, 'GET', '/apis/apps/v1/namespaces/default/deployments');
    const ready = (body.items as { status?: { readyReplicas?: number } }[]).reduce(
      (sum, { status }) => sum + (status?.readyReplicas ?? 0),
      0,
    );
    if (ready === services * podsOfEach) return;
    await sleep(500);
  }
}

async function create(server: TestServer, path: string, object: object): Promise<void> {
  const { status, body } = await ask(server, 'POST', path, object);
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
}

async function linkOf(server: TestServer): Promise<string> {
  const { stdout, stderr } = await realExec.run([
    `${repository}/portico`,
    'ui',
    '--kubeconfig',
    server.kubeconfig,
    '-o',
    'json',
  ]);
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { url: string }).url;
}

/** Deletes pods, one after the other in time; their Deployments bring others. */
async function churn(server: TestServer): Promise<void> {
  const { body } = await ask(server, 'GET', '/api/v1/namespaces/default/pods?limit=1000');
  const names = (body.items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
  const began = performance.now();
  const under: Promise<unknown>[] = [];
  for (let i = 0; i < changesPerSecond * seconds; i++) {
    await sleep(Math.max(0, began + (i * 1000) / changesPerSecond - performance.now()));
    under.push(ask(server, 'DELETE', `/api/v1/namespaces/default/pods/${names[i]}`));
  }
  await Promise.all(under);
}

async function framesPerSecond(page: Page, during: () => Promise<void>): Promise<number> {
  await page.evaluate(`(() => {
    window.frames_ = { count: 0, began: performance.now(), isOver: false };
    const tick = () => { window.frames_.count += 1; if (!window.frames_.isOver) requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
  })()`);
  await during();
  return (await page.evaluate(
    `(() => { frames_.isOver = true; return (frames_.count * 1000) / (performance.now() - frames_.began); })()`,
  )) as number;
}

/** Asked as the page asks, from a pod to Services in turn. */
async function traceTimes(page: Page): Promise<{ readonly median: number; readonly slowest: number }> {
  const times = (await page.evaluate(`(async () => {
    const headers = { authorization: 'Bearer ' + sessionStorage.getItem('portico-session') };
    const picture = await (await fetch('/api/picture', { headers })).json();
    const pod = picture.items.find(({ kind, state }) => kind === 'Pod' && state === 'ready');
    const times = [];
    for (let i = 0; i < ${traces}; i++) {
      const query = new URLSearchParams({ from: 'pod/default/' + pod.name, to: 's' + i * 7 + ':80' });
      const began = performance.now();
      const answer = await fetch('/api/trace?' + query, { headers });
      if ((await answer.json()).outcomes.length === 0) throw new Error('the trace found nothing');
      times.push(performance.now() - began);
    }
    return times;
  })()`)) as number[];
  return { median: median(times), slowest: Math.max(...times) };
}
