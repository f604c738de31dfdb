import { afterEach, expect, test } from 'vitest';
import type { ConfigMap, Secret } from '../../api/core/v1/types.generated.ts';
import { configMaps, secrets } from '../../client/resources.ts';
import { type Harness, startControllers } from '../harness/start.ts';
import { clusterInfo, detachedSignature, timeLeft, tokenType } from './reconcile.ts';

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

const token = (id: string, fields: Readonly<Record<string, string>> = {}): Secret => {
  const all = { 'token-id': id, 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...fields };
  const data = Object.fromEntries(Object.entries(all).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
  return { metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' }, type: tokenType, data };
};

test('a signature is what others make of it', () => {
  // From the documentation of kubeadm's discovery: header of key id 07401b.
  const signature = detachedSignature('content', { id: '07401b', key: 'f395accd246ae52d' });
  expect(signature).toMatch(/^eyJhbGciOiJIUzI1NiIsImtpZCI6IjA3NDAxYiJ9\.\.[\w-]{43}$/);
});

test('what is no time has ended, and no time never does', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(timeLeft(token('a'), now)).toBeUndefined();
  expect(timeLeft(token('a', { expiration: '2026-01-01T00:00:05Z' }), now)).toBe(5000);
  expect(timeLeft(token('a', { expiration: 'soon' }), now)).toBe(0);
});

test('a token goes when its time is over', async () => {
  harness = startControllers({ names: ['token-cleaner-controller'] });
  const { api, clock } = harness;
  const secretApi = api.resource<Secret>(secrets);
  const soon = new Date(clock.now() + 60_000).toISOString();
  await secretApi.create(token('aaaaaa', { expiration: soon }));
  await secretApi.create(token('bbbbbb', { expiration: new Date(clock.now() - 1).toISOString() }));
  await secretApi.create(token('cccccc'));
  const names = async () => (await secretApi.list()).items.map(({ metadata }) => metadata.name).sort();
  await harness.settle();
  expect(await names()).toEqual(['bootstrap-token-aaaaaa', 'bootstrap-token-cccccc']);
  clock.advance(60_000);
  await harness.settle();
  expect(await names()).toEqual(['bootstrap-token-cccccc']);
});

test('cluster-info is signed by the tokens that sign, and by those alone', async () => {
  harness = startControllers({ names: ['bootstrap-signer-controller'] });
  const { api, clock } = harness;
  const secretApi = api.resource<Secret>(secrets);
  const maps = api.resource<ConfigMap>(configMaps);
  const read = async () => (await maps.get(clusterInfo.name, clusterInfo.namespace)).data ?? {};
  const past = new Date(clock.now() - 1).toISOString();
  await secretApi.create(token('aaaaaa'));
  await secretApi.create(token('bbbbbb', { 'usage-bootstrap-signing': 'false' }));
  await secretApi.create(token('cccccc', { expiration: past }));
  await secretApi.create({ ...token('dddddd'), metadata: { name: 'of-another-name', namespace: 'kube-system' } });
  await maps.create({
    metadata: { ...clusterInfo },
    data: { kubeconfig: 'first', 'jws-kubeconfig-gone': 'x', note: 'n' },
  });
  await harness.settle();
  const sign = (content: string) => detachedSignature(content, { id: 'aaaaaa', key: '0123456789abcdef' });
  expect(await read()).toEqual({ kubeconfig: 'first', note: 'n', 'jws-kubeconfig-aaaaaa': sign('first') });
  await maps.patch({ ...clusterInfo, type: 'merge', body: { data: { kubeconfig: 'second' } } });
  await harness.settle();
  expect((await read())['jws-kubeconfig-aaaaaa']).toBe(sign('second'));
  await secretApi.delete('bootstrap-token-aaaaaa', 'kube-system');
  await harness.settle();
  expect(await read()).toEqual({ kubeconfig: 'second', note: 'n' });
});
