// The page of `portico ui`, as a person uses it: on a cluster of hollow nodes, in a browser without a screen.
import type { Browser, Page } from 'playwright-core';
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
  expect(await page.locator('.box.machine .name').allTextContents()).toEqual(['hollow-1', 'hollow-2', 'hollow-3']);
  expect(await door('cart').getAttribute('aria-label')).toBe('Service default/cart, nobody answers');
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
  await podCards('ready').nth(4).waitFor();
  expect(await podCards('ready').count()).toBe(5);
});

test('the story tells of address, pods, almost-pods, slices, records and rules', async () => {
  await door('web').click();
  await page.locator('.story h2', { hasText: 'default/web' }).waitFor();
  const { spec } = JSON.parse(await server.kubectl('get', 'service', 'web', '-o', 'json'));
  const story = await panel().innerText();
  expect(story).toContain(`${spec.clusterIP}, allocated from 10.96.0.0/16`);
  expect(story).toContain(`port ${spec.ports[0].nodePort} of every node leads to port 80`);
  expect(story).toContain('its app is cart, not web');
  expect(story).toContain(`web.default.svc.cluster.local. A ${spec.clusterIP}`);
  expect(await panel().locator('td', { hasText: '20 %' }).count()).toBe(5);
  await panel().locator('summary', { hasText: 'Rules on each node' }).click();
  await panel().locator('summary', { hasText: 'hollow-1' }).click();
  expect(await panel().locator('details details[open] > pre').innerText()).toContain(spec.clusterIP);
  await keepScreenshot(page, 'story');
});

test('with the keyboard alone a Service is chosen, a packet traced and each step gone through', async () => {
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('cart');
  await page.keyboard.press('Enter');
  await page.locator('.story h2', { hasText: 'default/cart' }).waitFor();
  expect(await panel().innerText()).toContain('it has no label tier');
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
  expect(await page.locator('.line-go').count()).toBe(6);
  expect(await page.locator('.line-back').count()).toBe(1);
  await page.locator('input[name=to]').press('Escape');
  const step = page.locator('.steps li[aria-current=step]');
  const first = await step.innerText();
  await page.keyboard.press('n');
  await expect.poll(() => step.innerText(), { timeout: 300_000 }).not.toBe(first);
  expect(await page.locator('.box.here').count()).toBe(1);
  expect(await panel().innerText()).toContain('portico-proxy');
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
  expect(await cause.innerText()).toContain('Service default/cart, spec.selector');
  await page.locator('.line-fail').first().waitFor({ state: 'attached' });
});

test('a plan is drawn before and after, and says what the change then does', async () => {
  await page.locator('input[name=to]').press('Escape');
  await page.keyboard.press('p');
  const manifest = 'apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}}\n';
  await page.locator('textarea').fill(manifest);
  await page.locator('button.go').click();
  await page.locator('.sides, [role=alert]').first().waitFor();
  expect(await panel().innerText()).toContain('Service default/cart');
  expect(await panel().locator('td', { hasText: '50 %' }).count()).toBe(2);
  expect(await page.locator('.box.is-changed').count()).toBe(2);
  expect(await door('cart').getAttribute('aria-label')).toBe('Service default/cart');
  await keepScreenshot(page, 'plan');
  await page.locator('.sides button', { hasText: 'before' }).click();
  await expect.poll(() => door('cart').getAttribute('aria-label'), { timeout: 300_000 }).toContain('nobody answers');
  await page.locator('nav button', { hasText: 'Story' }).click();
  await server.kubectl('patch', 'service', 'cart', '-p', '{"spec":{"selector":{"tier":null}}}');
  await expect.poll(() => door('cart').getAttribute('aria-label'), { timeout: 300_000 }).toBe('Service default/cart');
});

test('the slider walks through history, and back to now', async () => {
  await page.keyboard.press('h');
  const now = Number(await page.locator('.stage').getAttribute('data-revision'));
  await expect
    .poll(() => page.locator('#time').getAttribute('max').then(Number), { timeout: 300_000 })
    .toBeGreaterThan(9);
  for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowLeft');
  await page.locator('.time.past').waitFor();
  await expect
    .poll(async () => Number(await page.locator('.stage').getAttribute('data-revision')), { timeout: 300_000 })
    .toBeLessThan(now);
  await expect.poll(() => door('cart').getAttribute('aria-label'), { timeout: 300_000 }).toContain('nobody answers');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keepScreenshot(page, 'history');
  await page.locator('.time button').click();
  await expect.poll(() => door('cart').getAttribute('aria-label'), { timeout: 300_000 }).toBe('Service default/cart');
});

test('on a small screen the picture is above and the panel below, and nothing sticks out', async () => {
  await page.setViewportSize({ width: 390, height: 780 });
  await door('web').waitFor();
  const [stage, below] = await Promise.all([page.locator('.stage').boundingBox(), panel().boundingBox()]);
  expect(below?.y).toBeGreaterThanOrEqual((stage?.y ?? 0) + (stage?.height ?? 0));
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
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
