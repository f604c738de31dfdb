import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { SpdySession } from '../spdy/session.ts';
import { channel, FrameDecoder } from '../stream-frames.ts';
import { openForwardedPort } from './port-forward.ts';
import { openRemoteCommand, pumpRemoteCommand, type RuntimeStreams } from './remote-command.ts';

/** What the caller hears, by channel, when the runtime says `words` on stdout and closes the connection `when`. */
async function heard(words: string, when: 'before it is listened to' | 'after'): Promise<Record<number, string>> {
  const [a, b] = duplexPair();
  const client = new SpdySession(a, { role: 'client' });
  const runtime = new SpdySession(b, {
    role: 'server',
    onStream: (stream) => {
      stream.accept();
      if (stream.headers.streamtype === 'stdout' && words) stream.write(words);
    },
  });
  const [error, stdout] = await Promise.all(['error', 'stdout'].map((streamtype) => client.open({ streamtype })));
  const streams: RuntimeStreams = {
    error: error!,
    stdin: undefined,
    stdout,
    stderr: undefined,
    resize: undefined,
    close: () => client.close(),
  };
  const leave = async () => {
    runtime.destroy();
    client.destroy();
    await client.closed;
  };
  if (when === 'before it is listened to') await leave();
  const [near, far] = duplexPair();
  const out: Record<number, string> = {};
  const decoder = new FrameDecoder();
  far.on('data', (chunk: Buffer) => {
    for (const frame of decoder.push(chunk)) out[frame.channel] = `${out[frame.channel] ?? ''}${frame.data}`;
  });
  const pumped = pumpRemoteCommand(streams, near);
  if (when === 'after') await leave();
  await pumped;
  if (!far.readableEnded) await new Promise((resolve) => far.once('end', resolve));
  return out;
}

const success = JSON.stringify({ metadata: {}, status: 'Success' });

test.each([
  ['nothing', '', 'after', {}],
  ['nothing', '', 'before it is listened to', {}],
  ['a word', 'hi', 'before it is listened to', { [channel.stdout]: 'hi' }],
] as const)('a command that says %s (%o) and goes %s ends', async (_, words, when, said) => {
  expect(await heard(words, when)).toEqual({ ...said, [channel.error]: success });
});

const goAway = (socket: Duplex) => socket.once('data', () => socket.destroy());
const refuse = (socket: Duplex) => new SpdySession(socket, { role: 'server' });
const command = { stdin: true, stdout: true, stderr: true, tty: false };
const exec = (url: string) => openRemoteCommand({ url, ...command });
const forward = (url: string) => openForwardedPort({ url }, 80);

test.each([
  { what: 'a command', runtime: 'that goes away', answer: goAway, open: exec, why: 'the SPDY connection was closed' },
  { what: 'a command', runtime: 'that refuses', answer: refuse, open: exec, why: 'the peer reset stream' },
  { what: 'a port', runtime: 'that goes away', answer: goAway, open: forward, why: 'the SPDY connection was closed' },
  { what: 'a port', runtime: 'that refuses', answer: refuse, open: forward, why: 'the peer reset stream' },
])('$what of a runtime $runtime fails once, and leaves no connection', async ({ answer, open, why }) => {
  const server = createServer().listen(0, '127.0.0.1');
  const closed = new Promise((resolve) => {
    server.on('upgrade', (_, socket) => {
      socket.once('close', resolve);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
      answer(socket);
    });
  });
  await once(server, 'listening');
  await expect(open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).rejects.toThrow(why);
  await closed;
  server.close();
});

test('a caller who reads slowly has no more listeners for it', async () => {
  const [a, b] = duplexPair();
  const client = new SpdySession(a, { role: 'client' });
  const said = Promise.withResolvers<Duplex>();
  new SpdySession(b, {
    role: 'server',
    onStream: (stream) => {
      stream.accept();
      if (stream.headers.streamtype === 'stdout') said.resolve(stream);
    },
  });
  const [error, stdout] = await Promise.all(['error', 'stdout'].map((streamtype) => client.open({ streamtype })));
  const streams = { error: error!, stdout, stdin: undefined, stderr: undefined, resize: undefined };
  const [near, far] = duplexPair({ highWaterMark: 1 });
  const pumped = pumpRemoteCommand({ ...streams, close: () => client.close() }, near);
  const runtime = await said.promise;
  const before = near.listenerCount('close');
  for (let i = 0; i < 20; i += 1) {
    runtime.write('word');
    await once(far, 'readable');
    while (far.read()) {}
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(near.listenerCount('close')).toBe(before);
  far.resume();
  client.destroy();
  await pumped;
});
