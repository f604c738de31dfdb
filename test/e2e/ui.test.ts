// The page of `portico ui`, as a person uses it: on a real cluster, in a browser without a screen.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../fixtures/api-client.ts';
import { keepScreenshot, type Looking, openPage, startBrowser } from '../fixtures/browser.ts';
import { testCluster } from './portico.ts';

const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: 'portico.local/echo:1'}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: 'portico.local/echo:1'}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart, tier: back}, ports: [{name: http, port: 80}]}
`;

const cluster = testCluster('e2e-ui');
let browser: Browser;
let looking: Looking;
let page: Page;

async function portico(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.portico(command, ...args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const kubectl = (...args: string[]) => portico('kubectl', ...args);
const link = async () => (JSON.parse(await portico('ui', '-o', 'json')) as { url: string }).url;

async function apply(manifests: string): Promise<void> {
  const file = join(cluster.dataDir, 'applied.yaml');
  writeFileSync(file, manifests);
  await kubectl('apply', '-f', file);
}

const door = (name: string) => page.locator(`[data-id="Service default/${name}"] button`);
const podCards = (state: string) => page.locator(`.box.pod.pod-${state}[title^="Pod default/web-"]`);
const panel = () => page.locator('.panel');
/** `web-1` of `Pod default/web-1: ready`. */
const nameIn = (title: string | null) => title?.slice('Pod default/'.length).split(':')[0] ?? '';

/** A door says where its Service is asked, and what is wrong with it. */
const cart = /^Service default\/cart, 10\.96\.\S+, 80\/TCP$/;
const nobody = /^Service default\/cart, 10\.96\.\S+, 80\/TCP, nobody answers$/;

/** What is drawn follows what was done. */
const soon = { timeout: 300_000 };
const untilCount = (locator: Locator, count: number) => expect.poll(() => locator.count(), soon).toBe(count);
const untilPanelSays = (text: string) => expect.poll(() => panel().innerText(), soon).toContain(text);
const doorSays = async (name: string) => (await door(name).getAttribute('aria-label')) ?? '';
const untilDoorSays = (name: string, label: RegExp) => expect.poll(() => doorSays(name), soon).toMatch(label);

beforeAll(async () => {
  await portico('up', '--nodes', '3', '--egress', 'off');
  browser = await startBrowser();
  looking = await openPage(browser, await link());
  page = looking.page;
});

afterAll(async () => {
  await browser?.close();
  await cluster.remove();
});

test('what is applied comes into the picture: Services, slices, nodes and pods, and alarms where nobody answers', async () => {
  await page.locator('.box.machine').nth(2).waitFor();
  const machines = page.locator('.box.machine .name');
  await expect.poll(() => machines.allTextContents(), soon).toEqual(['node-1', 'node-2', 'node-3']);
  expect(await door('web').count()).toBe(0);
  await apply(shop);
  await podCards('ready').nth(2).waitFor();
  await untilDoorSays('cart', nobody);
  await untilDoorSays('web', /^Service default\/web, 10\.96\.\S+, 80\/TCP, NodePort$/);
  await page.locator('.line-carries text', { hasText: '33 %' }).nth(2).waitFor();
  await page.locator('.box.pod-ready[title^="Pod default/cart-"]').nth(1).waitFor();
  await keepScreenshot(page, 'picture');
});

test('what is scaled and killed moves in the picture by itself', async () => {
  await kubectl('scale', 'deployment/web', '--replicas=5');
  await podCards('ready').nth(4).waitFor();
  const killed = nameIn(await podCards('ready').first().getAttribute('title'));
  await kubectl('delete', 'pod', killed, '--wait=false');
  await page.locator(`[title^="Pod default/${killed}"]`).waitFor({ state: 'detached' });
  await untilCount(podCards('ready'), 5);
  await page.locator('.line-carries text', { hasText: '20 %' }).nth(4).waitFor();
  await keepScreenshot(page, 'scaled');
});

test('the story tells of address, pods, almost-pods, slices, records, rules and connections', async () => {
  await door('web').click();
  await page.locator('.story h2', { hasText: 'default/web' }).waitFor();
  await untilCount(panel().locator('td', { hasText: '20 %' }), 5);
  const { spec } = JSON.parse(await kubectl('get', 'service', 'web', '-o', 'json'));
  await untilPanelSays(`${spec.clusterIP}, allocated from 10.96.0.0/16`);
  await untilPanelSays(`port ${spec.ports[0].nodePort} of every node leads to port 80`);
  await untilPanelSays('its app is cart, not web');
  await untilPanelSays(`web.default.svc.cluster.local. A ${spec.clusterIP}`);
  const client = (await kubectl('get', 'pods', '-l', 'app=cart', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
  await expect
    .poll(() => kubectl('exec', client, '--', 'timeout', '5', 'wget', '-qO-', 'http://web'), soon)
    .not.toBe('');
  await panel()
    .locator('summary', { hasText: /^Connections now [1-9]/ })
    .waitFor();
  await panel().locator('summary', { hasText: 'Rules on each node' }).click();
  await panel().locator('summary', { hasText: 'node-1' }).click();
  const rules = panel().locator('details details[open] > pre');
  await expect.poll(() => rules.innerText(), soon).toContain(spec.clusterIP);
  await keepScreenshot(page, 'story');
});

test('with the keyboard alone a Service is chosen, a packet traced and each step gone through', async () => {
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('cart');
  await page.keyboard.press('Enter');
  await page.locator('.story h2', { hasText: 'default/cart' }).waitFor();
  await untilPanelSays('it has no label tier');
  await page.locator('#find').press('Escape');
  await page.keyboard.press('t');
  const from = page.locator('input[name=from]');
  await from.focus();
  await page.keyboard.type('node/node-1');
  await page.keyboard.press('Tab');
  const { spec } = JSON.parse(await kubectl('get', 'service', 'web', '-o', 'json'));
  await page.keyboard.type(`${spec.clusterIP}:80`);
  await page.keyboard.press('Enter');
  await page.locator('.outcomes li').nth(4).waitFor();
  await untilCount(page.locator('.line-go'), 6);
  await untilCount(page.locator('.line-back'), 1);
  await page.locator('input[name=to]').press('Escape');
  const step = page.locator('.steps li[aria-current=step]');
  const first = await step.innerText();
  await page.keyboard.press('n');
  await expect.poll(() => step.innerText(), soon).not.toBe(first);
  await untilCount(page.locator('.box.here'), 1);
  await untilPanelSays('portico-proxy');
  await keepScreenshot(page, 'trace');
});

test('a trace that fails names the object and field, and what to change', async () => {
  await page.locator('input[name=to]').fill(`cart.default:80`);
  await page
    .locator('input[name=from]')
    .fill(`pod/default/${nameIn(await podCards('ready').first().getAttribute('title'))}`);
  await page.keyboard.press('Enter');
  const cause = page.locator('.cause');
  await cause.waitFor();
  await expect.poll(() => cause.innerText(), soon).toContain('Service default/cart, spec.selector');
  await page.locator('.line-fail').first().waitFor({ state: 'attached' });
  await cause.scrollIntoViewIfNeeded();
  await keepScreenshot(page, 'refused');
  await page.locator('input[name=to]').fill('nix:80');
  await page.keyboard.press('Enter');
  await untilPanelSays('there is no Service default/nix');
  await untilPanelSays('nix has no address for this sender: nothing is sent');
});

test('a plan is drawn before and after, and says what the change then does', async () => {
  await page.locator('input[name=to]').press('Escape');
  await page.keyboard.press('p');
  const manifest = `
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
`;
  await page.locator('textarea').fill(manifest);
  await page.locator('button.go').click();
  await page.locator('.sides, .panel [role=alert]').first().waitFor();
  await untilPanelSays('Service default/cart');
  await untilCount(panel().locator('td', { hasText: '50 %' }), 2);
  await untilCount(page.locator('.box.is-changed'), 2);
  await untilDoorSays('cart', cart);
  await keepScreenshot(page, 'plan');
  await page.locator('.sides button', { hasText: 'before' }).click();
  await untilDoorSays('cart', nobody);
  // Whoever chooses a Service looks at what there is again.
  await door('cart').click();
  await page.locator('.story h2', { hasText: 'default/cart' }).waitFor();
  await apply(manifest);
  await untilDoorSays('cart', cart);
});

test('the slider walks through history, and back to now', async () => {
  await page.keyboard.press('h');
  const now = Number(await page.locator('.stage').getAttribute('data-revision'));
  await expect.poll(() => page.locator('#time').getAttribute('max').then(Number), soon).toBeGreaterThan(9);
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowLeft');
  await page.locator('.time.past').waitFor();
  // Further, where more has happened meanwhile.
  for (let i = 0; i < 100 && !nobody.test(await doorSays('cart')); i++) {
    await page.keyboard.press('ArrowLeft');
    await expect
      .poll(() => doorSays('cart'), { timeout: 3000 })
      .toMatch(nobody)
      .catch(() => {});
  }
  await expect
    .poll(async () => Number(await page.locator('.stage').getAttribute('data-revision')), soon)
    .toBeLessThan(now);
  await untilDoorSays('cart', nobody);
  // The story follows the picture.
  await untilPanelSays('it has no label tier');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keepScreenshot(page, 'history');
  await page.locator('.time button').click();
  await untilDoorSays('cart', cart);
});

test('on a small screen the picture is above and the panel below, and nothing sticks out', async () => {
  await page.setViewportSize({ width: 390, height: 780 });
  await door('web').waitFor();
  await expect
    .poll(async () => {
      const [stage, below] = await Promise.all([page.locator('.stage').boundingBox(), panel().boundingBox()]);
      return stage && below && below.y >= stage.y + stage.height;
    }, soon)
    .toBe(true);
  await expect.poll(() => page.evaluate('document.documentElement.scrollWidth'), soon).toBeLessThanOrEqual(390);
  await keepScreenshot(page, 'small');
  // A window of 1280 by 1024 at 400 %: the page is scrolled as a whole, and nothing lies over anything.
  await page.setViewportSize({ width: 320, height: 256 });
  await expect
    .poll(async () => {
      const [below, time] = await Promise.all([panel().boundingBox(), page.locator('.time').boundingBox()]);
      return below && time && time.y >= below.y + below.height && below.height >= 200;
    }, soon)
    .toBe(true);
  await expect.poll(() => page.evaluate('document.documentElement.scrollWidth'), soon).toBeLessThanOrEqual(320);
});

test('nothing was complained of, and nobody else was asked for anything', () => {
  expect(looking.complaints).toEqual([]);
});

test('that nothing comes from the server is said, and the page goes on by itself when it does', async () => {
  const { page: other } = await openPage(browser, await link());
  await other.locator('.link-live').waitFor();
  await other.route('**/api/stream', (route) => route.abort());
  await other.reload();
  await other.locator('.stage [role=alert]', { hasText: 'does not answer' }).waitFor();
  await other.unroute('**/api/stream');
  await other.locator('.link-live').waitFor();
  await other.locator('.stage [role=alert]').waitFor({ state: 'detached' });
  await other.close();
});

test('a server that is killed and comes again has the page back by itself, at the old link', async () => {
  const { parts } = JSON.parse(await portico('status', '-o', 'json')) as { parts: { part: string; pid: number }[] };
  const { pid } = parts.find(({ part }) => part === 'control plane') ?? {};
  if (pid === undefined) throw new Error('there is no control plane');
  process.kill(pid, 'SIGKILL');
  await page.locator('.stage [role=alert]', { hasText: 'does not answer' }).waitFor();
  await portico('up');
  await page.locator('.link-live').waitFor();
  await page.locator('.stage [role=alert]').waitFor({ state: 'detached' });
  await kubectl('scale', 'deployment/web', '--replicas=2');
  await untilCount(podCards('ready'), 2);
});

test('a link opens once; without a session, under another name or from another origin nothing is told', async () => {
  const url = await link();
  const first = await openPage(browser, url);
  await first.page.locator('[data-id="Service default/web"]').waitFor();
  const second = await openPage(browser, url);
  await second.page.locator('[role=alert]', { hasText: 'used before' }).waitFor();
  // Another link opens in the same tab, although only what follows # is another.
  await second.page.goto(await link());
  await second.page.locator('[data-id="Service default/web"]').waitFor();
  const { origin, host } = new URL(url);
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${origin}${path}`, { headers })).status;
  expect(await status('/api/picture')).toBe(401);
  expect(await status('/api/picture', { authorization: 'Bearer guess' })).toBe(401);
  expect(await status('/', { origin: 'http://elsewhere.example' })).toBe(403);
  expect(await status('/assets/../../../package.json')).toBe(404);
  expect(await status('//')).toBe(404);
  expect((await fetch(`${origin}/api/session`, { method: 'POST', body: 'null' })).status).toBe(400);
  expect(host.startsWith('127.0.0.1:')).toBe(true);
  const headers = (await fetch(`${origin}/`)).headers;
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('who may not list what the page shows gets no link', async () => {
  const token = (await kubectl('create', 'token', 'default')).trim();
  const url = await kubectl('config', 'view', '--raw', '-o', 'jsonpath={.clusters[0].cluster.server}');
  const answer = await ask({ url, token }, 'POST', '/portico/v1/ui/links', {});
  expect(answer.status).toBe(403);
});
