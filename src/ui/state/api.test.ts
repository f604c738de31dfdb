import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readStream } from './api.ts';

const picture = { revision: 1, time: 0, items: [] };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('sessionStorage', { getItem: () => 'token' });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A server that answers when it is told to, and never by itself. */
function server({ answers }: { readonly answers: boolean }) {
  let writer: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      writer = controller;
    },
  });
  vi.stubGlobal('fetch', (_: string, { signal }: RequestInit) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    signal?.addEventListener('abort', () => {
      reject(signal.reason);
      writer?.error(signal.reason);
    });
    if (answers) resolve(new Response(body));
    return promise;
  });
  const seen: unknown[] = [];
  const reader = { picture: (one: unknown) => seen.push(one), change: (one: unknown) => seen.push(one) };
  const reading = readStream(reader, new AbortController().signal).then(
    () => 'ended',
    (error: unknown) => String(error),
  );
  return {
    seen,
    reading,
    async say(what: string | Uint8Array) {
      writer?.enqueue(typeof what === 'string' ? new TextEncoder().encode(what) : what);
      await vi.advanceTimersByTimeAsync(0);
    },
    end: () => writer?.close(),
  };
}

test('events are read however they are cut', async () => {
  const { seen, reading, say, end } = server({ answers: true });
  const text = `event: picture\ndata: ${JSON.stringify({ ...picture, items: ['ä\u2028'] })}\n\n: still here\n\n`;
  const bytes = new TextEncoder().encode(text);
  for (const byte of bytes) await say(Uint8Array.of(byte));
  expect(seen).toEqual([{ ...picture, items: ['ä\u2028'] }]);
  end();
  expect(await reading).toBe('ended');
});

test('a server that is silent for half a minute is given up; a word now and then is enough', async () => {
  const { reading, say } = server({ answers: true });
  const ended = vi.fn();
  void reading.then(ended);
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(29_000);
    await say(': still here\n\n');
  }
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await reading).toBe('Error: the server is silent');
});

test('so is one that takes the request and does not answer', async () => {
  const { reading } = server({ answers: false });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await reading).toBe('Error: the server is silent');
});
