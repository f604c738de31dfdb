import { expect, test } from 'vitest';
import { transformerOf } from '../../storage/encryption/transformer.ts';
import { realRandom } from '../../system/real/random.ts';
import { loadTransformers } from './providers.ts';

const secret = Buffer.alloc(32, 5).toString('base64');
const keys = (name = 'k', text = secret) => ({ keys: [{ name, secret: text }] });
const identity = { identity: {} };

function load(resources: unknown, more: object = {}) {
  const file = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration', resources, ...more };
  return loadTransformers(file, {
    ...{ path: '/f', random: realRandom, reload: false },
    kms: () => transformerOf({ seal: (value) => value, open: (sealed) => sealed }),
  });
}

const key = '/registry/core/secrets/ns/a';
const roundTrip = (provider: object, text = '{"a":1}') => {
  const transformer = load([{ resources: ['secrets'], providers: [provider] }]).of(key);
  const { prefix, bytes } = transformer.seal(Buffer.from(text), key);
  return [prefix, String(transformer.open(Buffer.concat([Buffer.from(prefix), bytes]), key).value)];
};

test.each([
  [{ aesgcm: keys() }, 'k8s:enc:aesgcm:v1:k:'],
  [{ aescbc: keys('a:b') }, 'k8s:enc:aescbc:v1:a:b:'],
  [{ secretbox: keys() }, 'k8s:enc:secretbox:v1:k:'],
  [{ kms: { apiVersion: 'v2', name: 'n', endpoint: 'unix:///s' } }, 'k8s:enc:kms:v2:n:'],
  [identity, ''],
])('%j seals under the prefix %s', (provider, prefix) => {
  expect(roundTrip(provider)).toEqual([prefix, '{"a":1}']);
});

// What kube-apiserver 1.36.4's code sealed with the key of 32 bytes 5, for this key of the store.
test.each([
  ['aesgcm', 'azhzOmVuYzphZXNnY206djE6azrn4it+ZKRugMa0uoPEK0+N9uq0/gpVgJESpqTGbeqQSb5MPQ=='],
  ['aescbc', 'azhzOmVuYzphZXNjYmM6djE6azpl9rjuUWlDUIJcdCSIAtEQ4VG6KUZm1Tu86jMitwhejA=='],
  ['secretbox', 'azhzOmVuYzpzZWNyZXRib3g6djE6azqkz67Frcyz5MhNcnOEy7yUkU5S0ieSr59xdXvSLCGeVvlvoptiBZ/TT/INYCdGNw=='],
])('reads what kube-apiserver sealed: %s', (name, sealed) => {
  const transformer = load([{ resources: ['secrets'], providers: [{ [name]: keys() }] }]).of(key);
  expect(String(transformer.open(Buffer.from(sealed, 'base64'), key).value)).toBe('{"a":1}');
});

test('what nobody can read is told in the words of upstream', () => {
  const open = (providers: object[], stored: string) => () =>
    load([{ resources: ['secrets'], providers }])
      .of(key)
      .open(Buffer.from(stored), key);
  expect(open([identity], 'k8s:enc:aesgcm:v1:k:x')).toThrow(/^no matching prefix found$/);
  expect(open([{ aesgcm: keys() }], '{}')).toThrow(/^no matching prefix found$/);
  expect(open([{ aesgcm: keys() }], 'k8s:enc:aesgcm:v1:other:x')).toThrow(
    'no matching key was found for the provided AES transformer',
  );
  expect(open([{ aescbc: keys() }, { aescbc: keys('l') }], 'k8s:enc:aescbc:v1:k:x')).toThrow(
    '[the stored data was shorter than the required size, no matching key was found for the provided AES transformer]',
  );
});

const parsing = 'error while parsing file: ';
const decoding = `${parsing}error decoding encryption provider configuration file "/f": `;
const both = { aesgcm: keys(), identity: {} };

test.each<[unknown, string]>([
  [[], `${parsing}resources: Required value: at least one resources is required`],
  [
    [{ resources: [], providers: [] }],
    `${parsing}[resources[0].resources: Required value: at least one resources[0].resources is required, resources[0].providers: Required value: at least one resources[0].providers is required]`,
  ],
  [
    [{ resources: ['secrets', '*.'], providers: [identity] }],
    `${parsing}resources[0].resources: Invalid value: ["secrets","*."]: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked`,
  ],
  [
    [{ resources: ['a', 'a'], providers: [identity] }],
    `${parsing}resources[0].resources: Invalid value: ["a","a"]: the same resource cannot be specified multiple times`,
  ],
  [
    [{ resources: ['Secrets'], providers: [identity] }],
    `${parsing}resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters`,
  ],
  [
    [{ resources: ['secrets'], providers: [{ aesgcm: keys('', 'YQ==') }] }],
    `${parsing}[resources[0].providers[0].aesgcm.keys[0].name: Required value: name is a mandatory field for a key, resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 1, expected one of [16 24 32]]`,
  ],
  [
    [{ resources: ['secrets'], providers: [{ secretbox: keys('k', '%') }] }],
    `${parsing}resources[0].providers[0].secretbox.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded`,
  ],
  [
    [{ resources: ['secrets'], providers: [both] }],
    `${parsing}resources[0].providers[0]: Invalid value: {"AESGCM":{"Keys":[{"Name":"k","Secret":"REDACTED"}]},"AESCBC":null,"Secretbox":null,"Identity":{},"KMS":null}: more than one provider specified in a single element, should split into different list elements`,
  ],
  [
    [
      { resources: ['*.*'], providers: [identity] },
      { resources: ['secrets'], providers: [identity] },
    ],
    'error while building transformers: resource "secrets" is masked by earlier rule "*.*"',
  ],
  [
    [{ resources: ['secrets'], providers: [{ kms: { name: 'n', endpoint: 'unix:///s' } }] }],
    'error while building transformers: KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.',
  ],
  [[{ resource: ['secrets'] }], `${decoding}strict decoding error: unknown field "resources[0].resource"`],
])('%j is refused', (resources, message) => {
  expect(() => load(resources)).toThrow(new Error(message));
});

test('another kind is refused', () => {
  expect(() => load([], { kind: 'Other' })).toThrow(
    `${decoding}expected apiVersion apiserver.config.k8s.io/v1 and kind EncryptionConfiguration`,
  );
});
