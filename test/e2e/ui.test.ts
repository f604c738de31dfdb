// The page of `portico ui`, as a person uses it: on a cluster of hollow nodes, in a browser without a screen.
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ask } from '../fixtures/api-client.ts';
import { keepScreenshot, type Looking, openPage, startBrowser } from '../fixtures/browser.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';
import { launcher, run } from './portico.ts';
import { apply, type Manifest } from './workloads.ts';

const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: x}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart, tier: back}, ports: [{name: http, port: 80}]}
`;

let server: TestServer;
let browser: Browser;
let looking: Looking;
let page: Page;

async function link(): Promise<string> {
  const { code, stdout, stderr } = await run([launcher, 'ui', '--kubeconfig', server.kubeconfig, '-o', 'json']);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { url: string }).url;
}

const door = (name: string) => page.locator(`[data-id="Service default/${name}"] button`);
const podCards = (state: string) => page.locator(`.box.pod.pod-${state}[title^="Pod default/web-"]`);
const panel = () => page.locator('.panel');

const nobody = 'Service default/cart, nobody answers';

/** What is drawn follows what was done. */
const soon = { timeout: 300_000 };
const untilCount = (locator: Locator, count: number) => expect.poll(() => locator.count(), soon).toBe(count);
const untilPanelSays = (text: string) => expect.poll(() => panel().innerText(), soon).toContain(text);
const untilDoorSays = (name: string, label: string) =>
  expect.poll(() => door(name).getAttribute('aria-label'), soon).toBe(label);

beforeAll(async () => {
  server = await startServer(['--hollow-nodes', '3']);
  await apply(server, ...parseAllDocuments(shop).map((document) => document.toJS() as Manifest));
  await server.kubectl('wait', '--for=condition=Available', 'deployment/web', 'deployment/cart', '--timeout=300s');
  browser = await startBrowser();
  looking = await openPage(browser, await link());
  page = looking.page;
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test('the picture shows Services, slices, nodes and pods, and alarms where nobody answers', async () => {
  await door('web').waitFor();
  await podCards('ready').nth(2).waitFor();
  const machines = page.locator('.box.machine .name');
  await expect.poll(() => machines.allTextContents(), soon).toEqual(['hollow-1', 'hollow-2', 'hollow-3']);
  await untilDoorSays('cart', nobody);
  await page.locator('.line-carries text', { hasText: '33 %' }).nth(2).waitFor();
  await keepScreenshot(page, 'picture');
});

test('what is scaled and killed moves in the picture by itself', async () => {
  await server.kubectl('scale', 'deployment/web', '--replicas=5');
  await podCards('ready').nth(4).waitFor();
  const killed =
    (await podCards('ready').first().getAttribute('title'))?.slice('Pod default/'.length).split(':')[0] ?? '';
  await server.kubectl('delete', 'pod', killed, '--wait=false');
  await page.locator(`[title^="Pod default/${killed}"]`).waitFor({ state: 'detached' });
  await untilCount(podCards('ready'), 5);
});

test('the story tells of address, pods, almost-pods, slices, records and rules', async () => {
  await door('web').click();
  await page.locator('.story h2', { hasText: 'default/web' }).waitFor();
  const { spec } = JSON.parse(await server.kubectl('get', 'service', 'web', '-o', 'json'));
  await untilPanelSays(`${spec.clusterIP}, allocated from 10.96.0.0/16`);
  await untilPanelSays(`port ${spec.ports[0].nodePort} of every node leads to port 80`);
  await untilPanelSays('its app is cart, not web');
  await untilPanelSays(`web.default.svc.cluster.local. A ${spec.clusterIP}`);
  await untilCount(panel().locator('td', { hasText: '20 %' }), 5);
  await panel().locator('summary', { hasText: 'Rules on each node' }).click();
  await panel().locator('summary', { hasText: 'hollow-1' }).click();
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
  await page.keyboard.type('node/hollow-1');
  await page.keyboard.press('Tab');
  const { spec } = JSON.parse(await server.kubectl('get', 'service', 'web', '-o', 'json'));
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
    .fill((await podCards('ready').first().getAttribute('title'))?.replace('Pod ', 'pod/').split(':')[0] ?? '');
  await page.keyboard.press('Enter');
  const cause = page.locator('.cause');
  await cause.waitFor();
  await expect.poll(() => cause.innerText(), soon).toContain('Service default/cart, spec.selector');
  await page.locator('.line-fail').first().waitFor({ state: 'attached' });
});

test('a plan is drawn before and after, and says what the change then does', async () => {
  await page.locator('input[name=to]').press('Escape');
  await page.keyboard.press('p');
  const manifest = 'apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}}\n';
  await page.locator('textarea').fill(manifest);
  await page.locator('button.go').click();
  await page.locator('.sides, [role=alert]').first().waitFor();
  await untilPanelSays('Service default/cart');
  await untilCount(panel().locator('td', { hasText: '50 %' }), 2);
  await untilCount(page.locator('.box.is-changed'), 2);
  await untilDoorSays('cart', 'Service default/cart');
  await keepScreenshot(page, 'plan');
  await page.locator('.sides button', { hasText: 'before' }).click();
  await untilDoorSays('cart', nobody);
  await page.locator('nav button', { hasText: 'Story' }).click();
  await server.kubectl('patch', 'service', 'cart', '-p', '{"spec":{"selector":{"tier":null}}}');
  await untilDoorSays('cart', 'Service default/cart');
});

test('the slider walks through history, and back to now', async () => {
  await page.keyboard.press('h');
  const now = Number(await page.locator('.stage').getAttribute('data-revision'));
  await expect.poll(() => page.locator('#time').getAttribute('max').then(Number), soon).toBeGreaterThan(9);
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowLeft');
  await page.locator('.time.past').waitFor();
  // Further, where more has happened meanwhile.
  for (let i = 0; i < 100 && (await door('cart').getAttribute('aria-label')) !== nobody; i++) {
    await page.keyboard.press('ArrowLeft');
    await expect
      .poll(() => door('cart').getAttribute('aria-label'), { timeout: 3000 })
      .toBe(nobody)
      .catch(() => {});
  }
  await expect
    .poll(async () => Number(await page.locator('.stage').getAttribute('data-revision')), soon)
    .toBeLessThan(now);
  await untilDoorSays('cart', nobody);
  await page.emulateMedia({ colorScheme: 'dark' });
  await keepScreenshot(page, 'history');
  await page.locator('.time button').click();
  await untilDoorSays('cart', 'Service default/cart');
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
});

test('nothing was complained of, and nobody else was asked for anything', () => {
  expect(looking.complaints).toEqual([]);
});

test('a link opens once; without a session, under another name or from another origin nothing is told', async () => {
  const url = await link();
  const first = await openPage(browser, url);
  await first.page.locator('[data-id="Service default/web"]').waitFor();
  const second = await openPage(browser, url);
  await second.page.locator('[role=alert]', { hasText: 'used before' }).waitFor();
  const { origin, host } = new URL(url);
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${origin}${path}`, { headers })).status;
  expect(await status('/api/picture')).toBe(401);
  expect(await status('/api/picture', { authorization: 'Bearer guess' })).toBe(401);
  expect(await status('/', { origin: 'http://elsewhere.example' })).toBe(403);
  expect(await status('/assets/../../../package.json')).toBe(404);
  expect(host.startsWith('127.0.0.1:')).toBe(true);
  const headers = (await fetch(`${origin}/`)).headers;
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('who may not list what the page shows gets no link', async () => {
  const token = (await server.kubectl('create', 'token', 'default')).trim();
  const answer = await ask({ url: server.url, token }, 'POST', '/portico/v1/ui/links', {});
  expect(answer.status).toBe(403);
});
