// Lifecycle hooks against servers that really listen, on the loopback.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LifecycleHandler } from '../../api/core/v1/types.generated.ts';
import { realClock } from '../../system/real/clock.ts';
import type { Cri } from '../cri/client.ts';
import { runHook } from './hook.ts';

const seen: string[] = [];
const events: string[] = [];
const server = createServer(({ url, headers }, response) => {
  seen.push(`${url} ${headers['user-agent']}`);
  response.writeHead(500).end();
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
});

function run(hook: LifecycleHandler, exitCode = 0, signal = new AbortController().signal) {
  const execSync: Cri['execSync'] = async (_id, _command, timeout) => ({ exitCode, stdout: `${timeout}`, stderr: '' });
  return runHook(hook, {
    cri: { execSync } as Partial<Cri> as Cri,
    clock: realClock,
    pod: { name: 'p', namespace: 'ns', uid: 'u' },
    container: { name: 'c' },
    containerId: 'id',
    podIP: '127.0.0.1',
    signal,
    event: ({ reason, message }) => events.push(`${reason}: ${message}`),
  });
}

test('whatever an HTTP server answers is well; one of scheme HTTPS that speaks HTTP is asked again', async () => {
  expect(await run({ httpGet: { path: '/a', port } })).toEqual({ success: true, message: '' });
  expect(await run({ httpGet: { path: '/b', port, scheme: 'HTTPS' } })).toEqual({ success: true, message: '' });
  expect(seen).toEqual(['/a kube-lifecycle/1.36', '/b kube-lifecycle/1.36']);
  expect(events).toEqual([
    `LifecycleHTTPFallback: request to HTTPS lifecycle hook 127.0.0.1:${port} got HTTP response, retry with HTTP succeeded`,
  ]);
});

test('a command has all the time that it wants, and fails by its exit code', async () => {
  expect(await run({ exec: { command: ['x'] } })).toEqual({ success: true, message: '' });
  expect((await run({ exec: { command: ['x', 'y'] } }, 3)).message).toBe(
    `Exec lifecycle hook ([x y]) for Container "c" in Pod "p_ns(u)" failed - error: command 'x y' exited with 3: 0, message: "0"`,
  );
});

test('a sleep, and what is no hook', async () => {
  expect((await run({ sleep: { seconds: 0 } })).success).toBe(true);
  expect((await run({ tcpSocket: { port } })).success).toBe(false);
});

test('one that nobody waits for any more ends: a server that does not answer, a sleep', async () => {
  const silent = createServer(() => over.abort()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const over = new AbortController();
  const { port: closed } = silent.address() as AddressInfo;
  expect((await run({ httpGet: { port: closed } }, 0, over.signal)).success).toBe(false);
  expect((await run({ sleep: { seconds: 3600 } }, 0, over.signal)).success).toBe(false);
  silent.close();
});
