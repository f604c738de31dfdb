// Exec and attach: frames of the tunnel on one side, SPDY streams of the runtime or of a kubelet that listens on the other.
import type { Duplex } from 'node:stream';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { write } from '../drained.ts';
import { overSpdy, type SpdyConnectOptions } from '../spdy/connect.ts';
import type { SpdyStream } from '../spdy/session.ts';
import { channel, encodeFrame, FrameDecoder } from '../stream-frames.ts';

export interface RemoteCommand extends Pick<SpdyConnectOptions, 'tls' | 'signal'> {
  /** Of the streaming server. */
  readonly url: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface RuntimeStreams {
  readonly error: SpdyStream;
  readonly stdin: SpdyStream | undefined;
  readonly stdout: SpdyStream | undefined;
  readonly stderr: SpdyStream | undefined;
  readonly resize: SpdyStream | undefined;
  close(): void;
}

/** The runtime's end, standing. Rejects when it refuses, or the signal aborts first. */
export function openRemoteCommand(command: RemoteCommand): Promise<RuntimeStreams> {
  const { url, tls, signal } = command;
  return overSpdy(
    { url, ...(tls && { tls }), ...(signal && { signal }), protocols: ['v4.channel.k8s.io'] },
    async (session) => {
      const open = (type: string, wanted: boolean) => (wanted ? session.open({ streamtype: type }) : undefined);
      // All at once, so that where the connection goes none of them fails with nobody to hear it.
      const [error, stdin, stdout, stderr, resize] = await Promise.all([
        session.open({ streamtype: 'error' }),
        open('stdin', command.stdin),
        open('stdout', command.stdout),
        open('stderr', command.stderr && !command.tty),
        open('resize', command.tty),
      ]);
      return { error, stdin, stdout, stderr, resize, close: () => session.close() };
    },
  );
}

/** Carries both ways until the command is over or the caller goes away. Never rejects. */
export async function pumpRemoteCommand(streams: RuntimeStreams, caller: Duplex): Promise<void> {
  for (const stream of [streams.error, streams.stdin, streams.stdout, streams.stderr, streams.resize])
    stream?.on('error', () => {});
  caller.on('error', () => {});
  caller.once('close', () => streams.close());
  void fromCaller(streams, caller).catch(() => streams.close());
  try {
    const status = text(streams.error);
    await Promise.all([
      toCaller(caller, channel.stdout, streams.stdout),
      toCaller(caller, channel.stderr, streams.stderr),
    ]);
    const said = (await status) || JSON.stringify({ metadata: {}, status: 'Success' });
    await write(caller, encodeFrame({ channel: channel.error, data: Buffer.from(said) }));
  } catch (error) {
    const message = errorMessage(error);
    const failure = { metadata: {}, status: 'Failure', reason: 'InternalError', code: 500, message };
    await write(caller, encodeFrame({ channel: channel.error, data: Buffer.from(JSON.stringify(failure)) }));
  } finally {
    caller.end();
    streams.close();
  }
}

/** All of a stream. The runtime closes the connection right after its last word: data is taken the moment it comes. */
function text(stream: SpdyStream): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return over(stream).then(() => Buffer.concat(chunks).toString());
}

/** Of a command that was over before anybody listened, the runtime has closed all streams already: no event tells of it again. */
function over(stream: SpdyStream): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
}

/** Resolves at the stream's end, a reset included: the error stream tells how the command went. */
function toCaller(caller: Duplex, number: number, stream: SpdyStream | undefined): Promise<void> {
  if (!stream) return Promise.resolve();
  stream.on('data', (data: Buffer) => {
    const full = write(caller, encodeFrame({ channel: number, data }));
    if (!full) return;
    stream.pause();
    void full.then(() => stream.resume());
  });
  return over(stream);
}

async function fromCaller(streams: RuntimeStreams, caller: Duplex): Promise<void> {
  const decoder = new FrameDecoder();
  for await (const chunk of caller.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (const frame of decoder.push(chunk)) {
      if (frame.channel === channel.stdin && streams.stdin?.writable) await write(streams.stdin, frame.data);
      else if (frame.channel === channel.resize && streams.resize?.writable) await write(streams.resize, frame.data);
      else if (frame.channel === channel.close && frame.data[0] === channel.stdin) streams.stdin?.end();
    }
  }
}
