import { expect, test } from 'vitest';
import { EncryptedStorage } from '../../storage/encryption/encrypted-storage.ts';
import { textForm } from '../../storage/encryption/stored-form.ts';
import { identity } from '../../storage/encryption/transformer.ts';
import { MemoryStorage } from '../../storage/memory/memory-storage.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { startTestServer } from '../fake/test-server.ts';
import { loadTransformers } from './providers.ts';

const key = (name: string) => ({ aesgcm: { keys: [{ name, secret: Buffer.alloc(32, name).toString('base64') }] } });

function transformers(...providers: object[]) {
  const resources = [{ resources: ['secrets'], providers }];
  const file = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources };
  return loadTransformers(file, { path: '', random: new FakeRandom(), reload: true, kms: () => identity });
}

test('an update that changes nothing seals anew what another key sealed, once', async () => {
  const storage = new MemoryStorage();
  const encrypted = new EncryptedStorage({ storage, form: textForm, transformers: transformers(key('one')) });
  const api = await startTestServer({ storage: encrypted });
  await api.send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } });
  const secrets = '/api/v1/namespaces/n/secrets';
  await api.send('POST', secrets, { metadata: { name: 's' }, stringData: { a: 'b' } });
  const present = async () => (await api.send('GET', `${secrets}/s`)).body;
  const sealed = async () => (await storage.get('/registry/core/secrets/n/s')).item?.value.replace(/[^:]*$/, '');
  const replaced = async () => (await api.send('PUT', `${secrets}/s`, await present())).body.metadata.resourceVersion;

  const created = (await present()).metadata.resourceVersion;
  expect(await sealed()).toBe('k8s:enc:aesgcm:v1:one:');
  expect(await replaced()).toBe(created);
  encrypted.reload(transformers(key('two'), key('one')));
  const written = await replaced();
  expect(Number(written)).toBeGreaterThan(Number(created));
  expect(await sealed()).toBe('k8s:enc:aesgcm:v1:two:');
  expect(await replaced()).toBe(written);
  expect((await present()).data).toEqual({ a: 'Yg==' });
  api.stop();
});

test('a server without the keys names what it cannot read', async () => {
  const storage = new MemoryStorage();
  const value = 'k8s:enc:aesgcm:v1:one:AAAA';
  await storage.transact({ compare: [], operations: [{ type: 'put', key: '/registry/core/secrets/n/s', value }] });
  await expect(startTestServer({ storage })).rejects.toThrow(
    'unable to transform key "/registry/core/secrets/n/s": it is encrypted, and there is no --encryption-provider-config',
  );
});
