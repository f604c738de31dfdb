import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { MemoryStorage } from '../storage/memory/memory-storage.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { Encryption } from './encryption.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-encryption-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** At once: nobody reads half of it. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

const key = '/registry/core/secrets/ns/a';
const yaml = (providers: string) => `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources: [{resources: [secrets], providers: [${providers}]}]
`;
const aes = (name: string) =>
  `{aescbc: {keys: [{name: ${name}, secret: ${Buffer.alloc(16, name).toString('base64')}}]}}`;

test('a file that changes is taken up; one that cannot be used is told of once, and changes nothing', async () => {
  const file = join(folder, 'encryption.yaml');
  replace(file, yaml(`${aes('one')}, {identity: {}}`));
  const config = { file, isReloaded: true };
  const memory = new MemoryStorage();
  const clock = new FakeClock();
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push((error as Error).message);
  const encryption = await Encryption.open(config, { clock, onError });
  const storage = encryption.around(memory, { hasByteValues: false });
  const write = async () => {
    await storage.transact({ compare: [], operations: [{ type: 'put', key, value: '{}' }] });
    return (await memory.get(key)).item?.value.replace(/[^:]*$/, '');
  };
  expect(await write()).toBe('k8s:enc:aescbc:v1:one:');
  const stop = new AbortController();
  const running = encryption.run(stop.signal);
  const eventually = (check: () => Promise<void>) =>
    vi.waitFor(
      async () => {
        clock.advance(10_000);
        await check();
      },
      { timeout: 60_000 },
    );
  replace(file, yaml('{}'));
  await eventually(async () => expect(errors).toHaveLength(1));
  expect(await write()).toBe('k8s:enc:aescbc:v1:one:');
  replace(file, yaml(`${aes('two')}, ${aes('one')}`));
  await eventually(async () => expect(await write()).toBe('k8s:enc:aescbc:v1:two:'));
  expect(errors).toHaveLength(1);
  stop.abort();
  await running;
});

test('the connection to a key service that is not well does not stay when its file is not taken up', async () => {
  const open = new Set<ServerHttp2Session>();
  let asked = 0;
  // A service that answers each call with an error of gRPC.
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': '13' }).end();
  });
  server.on('session', (session) => {
    open.add(session);
    session.on('close', () => open.delete(session));
  });
  const socket = join(folder, 'kms.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const file = join(folder, 'kms.yaml');
  replace(file, yaml('{identity: {}}'));
  const clock = new FakeClock();
  const errors: string[] = [];
  const onError = (error: unknown) => errors.push((error as Error).message);
  const encryption = await Encryption.open({ file, isReloaded: true }, { clock, onError });
  const stop = new AbortController();
  const running = encryption.run(stop.signal);
  replace(file, yaml(`{kms: {apiVersion: v2, name: p, endpoint: 'unix://${socket}'}}, {identity: {}}`));
  await vi.waitFor(
    () => {
      clock.advance(10_000);
      expect(asked).toBeGreaterThan(3);
    },
    { timeout: 60_000 },
  );
  stop.abort();
  await running;
  expect(errors).toHaveLength(1);
  await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 10_000 });
  server.close();
});
