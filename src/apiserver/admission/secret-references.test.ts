import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PodSpec, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
import { startTestServer, type TestServer } from '../fake/test-server.ts';
import { forbiddenReference } from './secret-references.ts';

const account: ServiceAccount = {
  metadata: { name: 'sa', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
  secrets: [{ name: 'mine' }],
  imagePullSecrets: [{ name: 'pull' }],
};
const spec = (container: object, more: object = {}): PodSpec => ({
  containers: [{ name: 'c', image: 'i', ...container }],
  ...more,
});
const fromSecret = (name: string) => [{ name: 'E', valueFrom: { secretKeyRef: { name, key: 'k' } } }];
const because = 'is not allowed because service account sa does not reference that secret';

test.each<[PodSpec, string | undefined]>([
  [spec({ env: fromSecret('mine') }, { imagePullSecrets: [{ name: 'pull' }] }), undefined],
  [spec({ env: fromSecret('x') }), `container c with envVar E referencing secret.secretName="x" ${because}`],
  [
    spec({}, { initContainers: [{ name: 'i', image: 'i', envFrom: [{ secretRef: { name: 'x' } }] }] }),
    `init container i with envFrom referencing secret.secretName="x" ${because}`,
  ],
  [spec({}, { volumes: [{ name: 'v', secret: { secretName: 'x' } }] }), `volume with secret.secretName="x" ${because}`],
  [
    spec({}, { imagePullSecrets: [{ name: 'x' }] }),
    'imagePullSecrets[0].name="x" is not allowed because service account sa does not reference that imagePullSecret',
  ],
])('%# %j', (podSpec, text) => {
  expect(forbiddenReference(podSpec, account, { joining: false })).toBe(text);
});

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
  await server.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  await server.send('POST', '/api/v1/namespaces/n/serviceaccounts', account);
});
afterEach(() => server.stop());

test('a service account holds its pods to its secrets; a mirror pod refers to none', async () => {
  const pods = '/api/v1/namespaces/n/pods';
  const pod = (more: object, metadata: object = {}) => ({
    metadata: { name: 'p', ...metadata },
    spec: spec({ env: fromSecret('x') }, more),
  });
  const refused = async (body: object) => (await server.send<Status>('POST', pods, body)).body.message;
  expect(await refused(pod({ serviceAccountName: 'sa' }))).toBe(
    `pods "p" is forbidden: container c with envVar E referencing secret.secretName="x" ${because}`,
  );
  const annotations = { 'kubernetes.io/config.mirror': 'm' };
  expect(await refused(pod({ nodeName: 'n' }, { annotations }))).toBe(
    'pods "p" is forbidden: a mirror pod may not reference secrets',
  );
  const volumes: readonly [string, object][] = [
    ['secrets', { projected: { sources: [{ secret: { name: 'x' } }] } }],
    ['secrets', { csi: { driver: 'x.y', nodePublishSecretRef: { name: 'x' } } }],
    ['configmaps', { projected: { sources: [{ configMap: { name: 'x' } }] } }],
  ];
  for (const [what, source] of volumes) {
    const containers = [{ name: 'c', image: 'i' }];
    const mirror = { nodeName: 'n', containers, volumes: [{ name: 'v', ...source }] };
    expect(await refused({ metadata: { name: 'p', annotations }, spec: mirror })).toBe(
      `pods "p" is forbidden: a mirror pod may not reference ${what}`,
    );
  }
});
