import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Failure } from '../cluster/failure.ts';
import { describeFailure } from './describe-failure.ts';

test('a failure says one line, and with which code the program ends', () => {
  expect(describeFailure(new Failure('no\n  such thing', { exitCode: 2 }))).toEqual({
    line: 'no such thing',
    exitCode: 2,
  });
  expect(describeFailure(new TypeError(''))).toEqual({ line: 'TypeError', exitCode: 1 });
  expect(describeFailure('text')).toEqual({ line: 'text', exitCode: 1 });
  expect(describeFailure(undefined)).toEqual({ line: 'undefined', exitCode: 1 });
});

test('an address that is taken is told as that, whoever wanted to listen there', async () => {
  const listening = (port: number) =>
    new Promise<{ port: number; close: () => void; error?: Error }>((resolve) => {
      const server = createServer();
      server.once('error', (error) => resolve({ port, close: () => {}, error }));
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        resolve({ port: typeof address === 'object' && address ? address.port : 0, close: () => server.close() });
      });
    });
  const first = await listening(0);
  const second = await listening(first.port);
  first.close();
  expect(describeFailure(second.error).line).toBe(
    `cannot listen on 127.0.0.1:${first.port}: the port is taken: end what listens there, or choose another with --listen`,
  );
});

test('a file that only root may read is told with what to do, to those who are not root', () => {
  const refused = Object.assign(new Error("EACCES: permission denied, open '/x/kubeconfig'"), {
    code: 'EACCES',
    path: '/x/kubeconfig',
  });
  const lineFor = (uid: number) => {
    const spy = vi.spyOn(process as { getuid(): number }, 'getuid').mockReturnValue(uid);
    try {
      return describeFailure(refused).line;
    } finally {
      spy.mockRestore();
    }
  };
  expect(lineFor(1000)).toBe("EACCES: permission denied, open '/x/kubeconfig': run it with sudo");
  expect(lineFor(0)).toBe("EACCES: permission denied, open '/x/kubeconfig'");
});
