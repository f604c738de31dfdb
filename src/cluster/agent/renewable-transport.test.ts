import { expect, test } from 'vitest';
import type { RawRequest, RawResponse } from '../../client/types.ts';
import { RenewableTransport } from './renewable-transport.ts';

/** Answers with a body that lasts until it is ended. */
class Connection {
  readonly ended = Promise.withResolvers<void>();
  isClosed = false;

  async request(_request: RawRequest): Promise<RawResponse> {
    const { promise } = this.ended;
    async function* body() {
      yield Buffer.from('first');
      await promise;
      yield Buffer.from('last');
    }
    return { status: 200, headers: {}, body: body() };
  }

  close(): void {
    this.isClosed = true;
  }
}

const get = { method: 'GET', path: '/' };

test('what is being read from the old connection goes on, and then it is closed', async () => {
  const [old, next] = [new Connection(), new Connection()];
  const transport = new RenewableTransport(old);
  const { body } = await transport.request(get);
  const reader = body[Symbol.asyncIterator]();
  await reader.next();
  transport.replace(next);
  expect(old.isClosed).toBe(false);
  old.ended.resolve();
  expect(String((await reader.next()).value)).toBe('last');
  await reader.next();
  expect([old.isClosed, next.isClosed]).toEqual([true, false]);
});

test('an old connection that nobody uses is closed at once, and the end closes all', async () => {
  const [first, second, third] = [new Connection(), new Connection(), new Connection()];
  const transport = new RenewableTransport(first);
  transport.replace(second);
  expect(first.isClosed).toBe(true);
  await transport.request(get);
  transport.replace(third);
  expect(second.isClosed).toBe(false);
  transport.close();
  expect([second.isClosed, third.isClosed]).toEqual([true, true]);
});
