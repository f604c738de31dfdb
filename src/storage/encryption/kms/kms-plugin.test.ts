import { beforeEach, describe, expect, test } from 'vitest';
import { GrpcError, grpcCode } from '../../../grpc/client.ts';
import { FakeClock } from '../../../system/fake/clock.ts';
import { realRandom } from '../../../system/real/random.ts';
import { MemoryStorage } from '../../memory/memory-storage.ts';
import { EncryptedStorage } from '../encrypted-storage.ts';
import { textForm } from '../stored-form.ts';
import { firstWrites } from '../transformer.ts';
import { encryptedObject, encryptedObjectError, sourceType } from './encrypted-object.ts';
import { KmsPlugin } from './kms-plugin.ts';
import type { Encrypted, KmsService, KmsStatus } from './kms-service.ts';

const flipped = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x5a);
const annotations = { 'a.kms.io': Buffer.from('x') };

/** Seals by flipping bits, under the key that the status names. */
class FakeService implements KmsService {
  answer: KmsStatus = { version: 'v2', healthz: 'ok', keyId: 'k1' };
  sealsWith: string | undefined;
  failure: GrpcError | undefined;
  readonly calls: string[] = [];

  async status(): Promise<KmsStatus> {
    return this.#called('status', this.answer);
  }
  async encrypt(plaintext: Uint8Array): Promise<Encrypted> {
    const keyId = this.sealsWith ?? this.answer.keyId;
    return this.#called('encrypt', { ciphertext: flipped(plaintext), keyId, annotations });
  }
  async decrypt({ ciphertext }: Encrypted): Promise<Uint8Array> {
    return this.#called('decrypt', flipped(ciphertext));
  }
  close(): void {}

  #called<T>(name: string, value: T): T {
    this.calls.push(name);
    if (this.failure) throw this.failure;
    return value;
  }
}

const key = '/registry/core/secrets/ns/a';
const text = Buffer.from('{"a":1}');
let clock: FakeClock;
let service: FakeService;
let errors: string[];

beforeEach(() => {
  clock = new FakeClock();
  service = new FakeService();
  errors = [];
});

function newPlugin(): KmsPlugin {
  const onError = (error: unknown) => void errors.push((error as Error).message);
  return new KmsPlugin({ name: 'p', service, clock, random: realRandom, onError });
}

async function wellPlugin(): Promise<KmsPlugin> {
  const plugin = newPlugin();
  expect(await plugin.check()).toBeUndefined();
  return plugin;
}

async function opened(plugin: KmsPlugin, stored: Buffer, at = key) {
  await plugin.prepare(stored);
  const { value, isStale } = plugin.open(stored, at);
  return [String(value), isStale];
}

test('what one server sealed another opens, asking once for each seed', async () => {
  const [one, other] = [await wellPlugin(), await wellPlugin()];
  const { prefix, bytes } = one.seal(text, key);
  expect(prefix).toBe('');
  service.calls.length = 0;
  expect(await opened(one, bytes)).toEqual(['{"a":1}', false]);
  expect(service.calls).toEqual([]);
  expect(await Promise.all([opened(other, bytes), opened(other, bytes)])).toEqual([
    ['{"a":1}', false],
    ['{"a":1}', false],
  ]);
  expect(await opened(other, one.seal(text, key).bytes)).toEqual(['{"a":1}', false]);
  expect(service.calls).toEqual(['decrypt']);
  await expect(opened(other, bytes, `${key}b`)).rejects.toThrow('cipher: message authentication failed');
});

// What kube-apiserver 1.36.4's code sealed with such a service, for /registry/secrets/ns/a.
test('reads what kube-apiserver sealed', async () => {
  const sealed =
    'CkNqiIWVex5eP1AZW3DhlqVvWUV4dZUgq2ICLeonn0uIUXnQg8LOpNYJ0ZNfM+gQ86OmIRtXXJUmZq916JiuiYK4FpNwEgJrMRogyvQ9OyC5fH3MxXlO5rYyY/lcnzRWEYoPkp32pKn+XdciDQoIYS5rbXMuaW8SAXgoAQ==';
  const stored = Buffer.from(sealed, 'base64');
  expect(await opened(await wellPlugin(), stored, '/registry/secrets/ns/a')).toEqual(['{"a":1}', false]);
});

test('another key of the service makes what is stored stale', async () => {
  const plugin = await wellPlugin();
  const { bytes } = plugin.seal(text, key);
  let rotations = 0;
  plugin.onRotated = () => rotations++;
  service.answer = { ...service.answer, keyId: 'k2' };
  expect(await plugin.check()).toBeUndefined();
  expect(await opened(plugin, bytes)).toEqual(['{"a":1}', false]);
  clock.advance(20_000);
  expect(await plugin.check()).toBeUndefined();
  expect(await opened(plugin, bytes)).toEqual(['{"a":1}', true]);
  expect(await opened(plugin, plugin.seal(text, key).bytes)).toEqual(['{"a":1}', false]);
  expect(rotations).toBe(1);
});

test('a service that is away keeps nobody from reading, and after three minutes everybody from writing', async () => {
  const plugin = await wellPlugin();
  const { bytes } = plugin.seal(text, key);
  service.failure = new GrpcError(grpcCode.unavailable, 'gone');
  clock.advance(20_000);
  const why = 'rpc error: code = Unavailable desc = gone';
  expect(await plugin.check()).toBe(
    `failed to perform status section of the healthz check for KMS Provider p, error: ${why}`,
  );
  expect(await plugin.check()).toBe(why);
  clock.advance(160_000);
  plugin.seal(text, key);
  clock.advance(1);
  expect(() => plugin.seal(text, key)).toThrow(/^encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at /);
  expect(await opened(plugin, bytes)).toEqual(['{"a":1}', false]);
  service.failure = undefined;
  expect(await plugin.check()).toBeUndefined();
  expect(await opened(plugin, plugin.seal(text, key).bytes)).toEqual(['{"a":1}', false]);
});

test('it is looked at every minute, every ten seconds while it is not well', async () => {
  const plugin = await wellPlugin();
  const stop = new AbortController();
  const running = plugin.run(stop.signal);
  const looksAfter = async (ms: number) => {
    service.calls.length = 0;
    clock.advance(ms);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return service.calls.length;
  };
  expect([await looksAfter(59_999), await looksAfter(1)]).toEqual([0, 1]);
  service.failure = new GrpcError(grpcCode.unavailable, 'gone');
  expect([await looksAfter(60_000), await looksAfter(10_000)]).toEqual([1, 1]);
  service.failure = undefined;
  expect([await looksAfter(10_000), await looksAfter(10_000)]).toEqual([1, 0]);
  expect(errors).toHaveLength(2);
  stop.abort();
  await running;
});

describe('what keeps it from being well', () => {
  const unwell = 'kmsv2 Provider p is not healthy, error: ';
  test.each<[Partial<KmsStatus>, string]>([
    [{ healthz: 'ill' }, `${unwell}got unexpected healthz status: ill`],
    [{ version: 'v3' }, `${unwell}expected KMSv2 API version v2, got v3`],
    [{ keyId: '' }, `${unwell}got invalid KMSv2 KeyID hash "": keyID is empty`],
    [
      { healthz: '', version: 'v1' },
      `${unwell}[got unexpected healthz status: , expected KMSv2 API version v2, got v1]`,
    ],
  ])('%j', async (status, expected) => {
    service.answer = { ...service.answer, ...status };
    expect(await newPlugin().check()).toBe(expected);
  });

  test('a seed that another key sealed than the service says', async () => {
    service.sealsWith = 'k2';
    const plugin = newPlugin();
    const hash = (hex: string) => `"sha256:${hex}[0-9a-f]{56}"`;
    expect(await plugin.check()).toMatch(
      new RegExp(
        `^${unwell}failed to rotate DEK uid="[0-9a-f-]{36}", useSeed=true, errState=got unexpected nil transformer, errGen=<nil>, statusKeyIDHash=${hash('')}, encryptKeyIDHash=${hash('')}, stateKeyIDHash="", expirationTimestamp=0001-01-01T00:00:00Z$`.replaceAll(
          '{56}',
          '{64}',
        ),
      ),
    );
    expect(() => plugin.seal(text, key)).toThrow('got unexpected nil transformer');
  });
});

test.each<[Partial<Parameters<typeof encryptedObject.encode>[0]>, string | undefined]>([
  [{}, undefined],
  [{ encryptedDEKSourceType: 2 }, 'unknown encryptedDEKSourceType: 2'],
  [{ encryptedData: Buffer.alloc(0) }, 'encrypted data is empty'],
  [{ encryptedDEKSource: Buffer.alloc(0) }, 'failed to validate encrypted DEK source: encrypted DEK source is empty'],
  [
    { encryptedDEKSource: Buffer.alloc(1025) },
    'failed to validate encrypted DEK source: encrypted DEK source is 1025 bytes, which exceeds the max size of 1024',
  ],
  [{ keyID: 'ü'.repeat(513) }, 'failed to validate key id: keyID is 1026 bytes, which exceeds the max size of 1024'],
  [
    { annotations: { a: Buffer.alloc(1) } },
    'failed to validate annotations: annotations: Invalid value: "a": should be a domain with at least two segments separated by dots',
  ],
  [
    { annotations: { 'a.b': Buffer.alloc(32768) } },
    'failed to validate annotations: total size of annotations is 32771, which exceeds the max size of 32768',
  ],
])('%j as a sealed value', (change, expected) => {
  const object = { encryptedData: Buffer.alloc(1), keyID: 'k', encryptedDEKSource: Buffer.alloc(1), annotations };
  const whole = { ...object, encryptedDEKSourceType: sourceType.seed, ...change };
  expect(encryptedObjectError(encryptedObject.decode(encryptedObject.encode(whole)))).toBe(expected);
});

test('a store asks the service before it opens what it reads', async () => {
  const [writer, reader] = [await wellPlugin(), await wellPlugin()];
  const storage = new MemoryStorage();
  const around = (transformer: KmsPlugin) => {
    const list = firstWrites([{ prefix: 'k8s:enc:kms:v2:p:', transformer }], 'no matching prefix found');
    return new EncryptedStorage({ storage, form: textForm, transformers: { of: () => list } });
  };
  await around(writer).transact({ compare: [], operations: [{ type: 'put', key, value: 'v' }] });
  expect((await storage.get(key)).item?.value).toMatch(/^k8s:enc:kms:v2:p:/);
  service.failure = new GrpcError(grpcCode.unavailable, 'gone');
  const why = `unable to transform key "${key}": failed to decrypt DEK, error: rpc error: code = Unavailable desc = gone`;
  await expect(around(reader).get(key)).rejects.toMatchObject({ kind: 'unreadable', message: why });
  // One that nobody can read behind it, which is found out before the service answers.
  const spoilt = [{ type: 'put', key: `${key}-b`, value: 'k8s:enc:kms:v2:p:CQ==' }] as const;
  await storage.transact({ compare: [], operations: spoilt });
  await expect(around(reader).range({ prefix: '/' })).rejects.toMatchObject({ kind: 'unreadable' });
  await storage.transact({ compare: [], operations: [{ type: 'delete', key: `${key}-b` }] });
  service.failure = undefined;
  expect((await around(reader).range({ prefix: '/' })).items.map(({ value }) => value)).toEqual(['v']);
});
