import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PodSpec } from '../../../api/core/v1/types.generated.ts';
import type { Status } from '../../../apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from '../../fake/test-server.ts';
import { checkPodSecurityConfiguration } from './configuration.ts';
import { evaluate, type Level, printViolations } from './policy.ts';

type Container = PodSpec['containers'][number];
const spec = (container: Partial<Container> = {}, more: Partial<PodSpec> = {}): PodSpec => ({
  containers: [{ name: 'c', image: 'i', ...container }],
  ...more,
});
const good = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const goodPod = { securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } };
const found = (level: Level, podSpec: PodSpec, version = 'latest') =>
  printViolations(evaluate({ level, version }, { metadata: { name: 'p' }, spec: podSpec }));

test.each<[PodSpec, string]>([
  [spec(), ''],
  [
    spec({ securityContext: { privileged: true } }),
    'privileged (container "c" must not set securityContext.privileged=true)',
  ],
  [spec({}, { hostNetwork: true, hostIPC: true }), 'host namespaces (hostNetwork=true, hostIPC=true)'],
  [spec({}, { volumes: [{ name: 'v', hostPath: { path: '/' } }] }), 'hostPath volumes (volume "v")'],
  [spec({ ports: [{ containerPort: 80, hostPort: 80 }] }), 'hostPort (container "c" uses hostPort 80)'],
  [
    spec({ securityContext: { capabilities: { add: ['SYS_ADMIN', 'CHOWN'] } } }),
    'non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    spec(
      {},
      { securityContext: { seccompProfile: { type: 'Unconfined' }, sysctls: [{ name: 'kernel.x', value: '1' }] } },
    ),
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined"), forbidden sysctls (kernel.x)',
  ],
  [
    spec({ securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' }, procMount: 'Unmasked' } }),
    'procMount (container "c" must not set securityContext.procMount to "Unmasked"), seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  ],
  [
    spec({ livenessProbe: { httpGet: { host: '10.0.0.1', port: 80 } } }),
    'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
  ],
])('baseline: %# %j', (podSpec, text) => {
  expect(found('baseline', podSpec)).toBe(text);
  expect(found('privileged', podSpec)).toBe('');
});

const plain =
  'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
  'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
  'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
  'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';

test.each<[PodSpec, string]>([
  [spec({ securityContext: good }, goodPod), ''],
  [spec(), plain],
  [
    spec({ securityContext: good }, { ...goodPod, volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    'restricted volume types (volume "v" uses restricted volume type "hostPath")',
  ],
  [
    spec({ securityContext: { ...good, runAsUser: 0, runAsNonRoot: false } }, goodPod),
    'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false), runAsUser=0 (container "c" must not set runAsUser=0)',
  ],
])('restricted: %# %j', (podSpec, text) => {
  expect(found('restricted', podSpec)).toBe(text);
});

test('a policy of an older version has fewer checks', () => {
  expect(found('baseline', spec({ livenessProbe: { httpGet: { host: 'h', port: 80 } } }), 'v1.33')).toBe('');
});

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n', labels } });
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'open' } });
  for (const name of ['n', 'open']) {
    await server.send('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }
});
afterEach(() => server.stop());

test('pods are kept out, makers of workloads are warned', async () => {
  const pod = { metadata: { name: 'p' }, spec: spec() };
  const refused = await server.send<Status>('POST', '/api/v1/namespaces/n/pods', pod);
  expect(refused.body.message).toBe(`pods "p" is forbidden: violates PodSecurity "restricted:latest": ${plain}`);
  const fine = { metadata: { name: 'q' }, spec: spec({ securityContext: good }, goodPod) };
  expect((await server.send('POST', '/api/v1/namespaces/n/pods', fine)).status).toBe(201);
  const template = { metadata: { labels: { a: 'b' } }, spec: spec() };
  const deployment = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } };
  const made = await server.send('POST', '/apis/apps/v1/namespaces/n/deployments', deployment);
  expect(made.status).toBe(201);
  expect(String(made.headers.warning)).toContain('would violate PodSecurity');
});

test('who raises the level hears of pods that do not meet it; labels that mean nothing are refused', async () => {
  await server.send('POST', '/api/v1/namespaces/open/pods', {
    metadata: { name: 'p' },
    spec: spec({}, { hostPID: true }),
  });
  const label = (value: string) => ({ metadata: { labels: { 'pod-security.kubernetes.io/enforce': value } } });
  const patch = (value: string) =>
    server.send<Status>('PATCH', '/api/v1/namespaces/open', label(value), 'application/merge-patch+json');
  const { headers } = await patch('baseline');
  expect(String(headers.warning)).toContain('violate the new PodSecurity enforce level');
  expect(String(headers.warning)).toContain('p: host namespaces');
  expect((await patch('none')).body.message).toBe(
    'Namespace "open" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "none": must be one of privileged, baseline, restricted',
  );
});

const apiVersion = 'pod-security.admission.config.k8s.io/v1';
const kind = 'PodSecurityConfiguration';

test('defaults are for namespaces that say nothing; exempt are namespaces, users and runtime classes', async () => {
  const podSecurity = checkPodSecurityConfiguration({
    apiVersion,
    kind,
    defaults: { enforce: 'baseline', 'enforce-version': 'v1.30' },
    exemptions: { usernames: ['jane'], namespaces: ['open'], runtimeClasses: ['vm'] },
  });
  let user = 'joe';
  const configured = await startTestServer({
    admissionPlugins: { enabled: [], disabled: ['ServiceAccount', 'RuntimeClass'], podSecurity },
  });
  const label = (level: string) => ({ metadata: { labels: { 'pod-security.kubernetes.io/enforce': level } } });
  for (const name of ['n', 'open', 'free']) {
    const { metadata } = label('privileged');
    const labels = name === 'free' ? metadata.labels : {};
    await configured.send('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  }
  const create = async (namespace: string, more: Partial<PodSpec> = {}) => {
    const pod = { metadata: { generateName: 'p' }, spec: spec({}, { hostPID: true, ...more }) };
    const url = `/api/v1/namespaces/${namespace}/pods`;
    const { status, body } = await configured.sendAs<Status>(
      { name: user, groups: [] },
      { method: 'POST', url, body: pod },
    );
    return status === 201 ? 201 : body.message?.replace(/^.*forbidden: /, '');
  };
  expect(await create('n')).toBe('violates PodSecurity "baseline:v1.30": host namespaces (hostPID=true)');
  expect(await create('free')).toBe(201);
  expect(await create('open')).toBe(201);
  expect(await create('n', { runtimeClassName: 'vm' })).toBe(201);
  user = 'jane';
  expect(await create('n')).toBe(201);
  const patch = 'application/merge-patch+json';
  const { headers } = await configured.send('PATCH', '/api/v1/namespaces/open', label('restricted'), patch);
  expect(String(headers.warning)).toContain(
    'namespace \\"open\\" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored',
  );
  configured.stop();
});

test.each<[unknown, string]>([
  [{}, `expected apiVersion ${apiVersion} and kind ${kind}`],
  [[], 'configuration: must be an object'],
  [{ apiVersion, kind, defaults: { enforce: 'none' } }, 'defaults.enforce: must be one of'],
  [{ apiVersion, kind, defaults: { 'warn-version': '1.30' } }, 'defaults.warn-version: must be "latest" or "v1.x"'],
  [{ apiVersion, kind, defaults: { deny: 'baseline' } }, 'defaults: unknown field "deny"'],
  [{ apiVersion, kind, exemptions: { usernames: ['a', 'a'] } }, 'exemptions.usernames[1]: Duplicate value: "a"'],
  [{ apiVersion, kind, exemptions: { namespaces: 'a' } }, 'exemptions.namespaces: must be a list'],
])('a configuration is refused: %j', (value, message) => {
  expect(() => checkPodSecurityConfiguration(value)).toThrow(message);
});
