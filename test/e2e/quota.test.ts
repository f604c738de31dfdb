// Quotas and limit ranges as people meet them: real kubectl, the controllers at work.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startServer, type TestServer } from '../fixtures/portico-process.ts';

let server: TestServer;
let tries = 0;
/** Of each try's own. */
let namespace = '';

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

beforeEach(async () => {
  tries += 1;
  namespace = `team-${tries}`;
  await server.kubectl('create', 'namespace', namespace);
  // What controllers make in each namespace.
  for (const made of ['configmap/kube-root-ca.crt', 'serviceaccount/default']) {
    await kubectl('wait', '--for=create', made, '--timeout=300s');
  }
});

const kubectl = (...args: string[]) => server.kubectl('-n', namespace, ...args);
const refusal = (...args: string[]) =>
  kubectl(...args).then(
    () => 'allowed',
    (error: Error) => error.message,
  );
/** Waits until the quota has been counted, and shows the value at a path of its status. */
const waitForQuota = (path: string, value: string) =>
  kubectl('wait', `--for=jsonpath={.status.${path}}=${value}`, 'quota/q', '--timeout=300s');

test('kubectl create quota, describe quota, and what it refuses', async () => {
  await kubectl('create', 'configmap', 'first');
  await kubectl('create', 'quota', 'q', '--hard=configmaps=3,services=2,requests.cpu=1,limits.memory=1Gi');
  // The second is kube-root-ca.crt.
  await waitForQuota('used.configmaps', '2');
  await kubectl('create', 'configmap', 'second');
  expect(await refusal('create', 'configmap', 'third')).toContain(
    'configmaps "third" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
  );
  const described = await kubectl('describe', 'quota', 'q');
  expect(described).toMatch(/^Name: +q\nNamespace: +team-\d+\nResource +Used +Hard\n/);
  expect(described).toMatch(/configmaps +3 +3\n/);
  expect(described).toMatch(/limits\.memory +0 +1Gi\n/);
  expect(await kubectl('get', 'quota')).toMatch(
    /q +configmaps: 3\/3, requests\.cpu: 0\/1, services: 0\/2 +limits\.memory: 0\/1Gi/,
  );
  await kubectl('delete', 'configmap', 'first');
  await waitForQuota('used.configmaps', '2');
  await kubectl('create', 'configmap', 'third');
});

test('a pod must say what it takes, unless a limit range says it', async () => {
  await kubectl('create', 'quota', 'q', '--hard=requests.cpu=1,limits.memory=1Gi');
  await waitForQuota('used.requests\\.cpu', '0');
  expect(await refusal('run', 'silent', '--image=i')).toContain(
    'pods "silent" is forbidden: failed quota: q: must specify limits.memory for: silent; requests.cpu for: silent',
  );
  const limits = JSON.stringify({
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'usual' },
    spec: { limits: [{ type: 'Container', default: { cpu: '600m', memory: '256Mi' }, max: { memory: '512Mi' } }] },
  });
  const file = `${server.kubeconfig}.limits.json`;
  writeFileSync(file, limits);
  await kubectl('apply', '-f', file);
  expect(await kubectl('describe', 'limitrange', 'usual')).toMatch(/Container +memory +- +512Mi +256Mi +256Mi/);
  await kubectl('run', 'one', '--image=i');
  const resources = await kubectl('get', 'pod', 'one', '-o', 'jsonpath={.spec.containers[0].resources.requests}');
  expect(JSON.parse(resources)).toEqual({ cpu: '600m', memory: '256Mi' });
  await waitForQuota('used.requests\\.cpu', '600m');
  expect(await refusal('run', 'two', '--image=i')).toContain(
    'exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1',
  );
  const patch = JSON.stringify({
    spec: { containers: [{ name: 'big', image: 'i', resources: { limits: { memory: '1Gi' } } }] },
  });
  expect(await refusal('run', 'big', '--image=i', `--overrides=${patch}`)).toContain(
    'maximum memory usage per Container is 512Mi, but limit is 1Gi',
  );
  await kubectl('delete', 'pod', 'one', '--force', '--grace-period=0');
  await waitForQuota('used.requests\\.cpu', '0');
});
