import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { criClient } from './client.ts';

test('the runtime measures one thing at a time, and the next one after what it could not measure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-cri-'));
  const path = join(folder, 'runtime.sock');
  let [now, most, answers] = [0, 0, 0];
  const runtime = createServer().listen(path);
  runtime.on('stream', async (stream: ServerHttp2Stream) => {
    now += 1;
    most = Math.max(most, now);
    // Whatever else is asked meanwhile arrives.
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    now -= 1;
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
    answers += 1;
    const code = answers === 2 ? 13 : 0;
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code }));
    stream.end(Buffer.alloc(5));
  });
  await once(runtime, 'listening');
  const cri = criClient(path);
  const said = await Promise.allSettled([1, 2, 3].map(() => cri.listContainerStats()));
  expect(said.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(most).toBe(1);
  cri.close();
  runtime.close();
  rmSync(folder, { recursive: true });
});
