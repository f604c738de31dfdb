import { duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { SpdySession } from '../spdy/session.ts';
import { channel, FrameDecoder } from '../stream-frames.ts';
import { pumpRemoteCommand, type RuntimeStreams } from './remote-command.ts';

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
