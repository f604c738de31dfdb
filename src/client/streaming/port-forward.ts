// One TCP connection into a pod's network namespace, through the runtime or a kubelet that listens: it also reaches what
// listens on 127.0.0.1 there.
import type { Duplex } from 'node:stream';
import { write } from '../drained.ts';
import { overSpdy, type SpdyConnectOptions } from '../spdy/connect.ts';
import type { SpdyStream } from '../spdy/session.ts';
import { channel, encodeClose, encodeFrame, FrameDecoder } from '../stream-frames.ts';

const dataChannel = 0;
const errorChannel = 1;

export interface ForwardedPort {
  readonly data: SpdyStream;
  readonly error: SpdyStream;
  close(): void;
}

/** `server`: the streaming server's. */
export function openForwardedPort(
  server: Pick<SpdyConnectOptions, 'url' | 'tls' | 'signal'>,
  port: number,
): Promise<ForwardedPort> {
  return overSpdy({ ...server, protocols: ['portforward.k8s.io'] }, async (session) => {
    const headers = { port: String(port), requestid: '0' };
    const error = await session.open({ ...headers, streamtype: 'error' });
    const data = await session.open({ ...headers, streamtype: 'data' });
    return { data, error, close: () => session.close() };
  });
}

/** Carries both ways until both ends are done or the caller goes away. Never rejects. */
export async function pumpForwardedPort({ data, error, close }: ForwardedPort, caller: Duplex): Promise<void> {
  for (const stream of [data, error, caller]) stream.on('error', () => {});
  caller.once('close', close);
  error.end();
  const down = async () => {
    for await (const chunk of data as AsyncIterable<Buffer>)
      await write(caller, encodeFrame({ channel: dataChannel, data: chunk }));
    await write(caller, encodeClose(dataChannel));
  };
  const complaints = async () => {
    for await (const chunk of error as AsyncIterable<Buffer>)
      await write(caller, encodeFrame({ channel: errorChannel, data: chunk }));
  };
  const up = async () => {
    const decoder = new FrameDecoder();
    for await (const chunk of caller.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      for (const frame of decoder.push(chunk)) {
        if (frame.channel === dataChannel) await write(data, frame.data);
        else if (frame.channel === channel.close && frame.data[0] === dataChannel) data.end();
      }
    }
    data.end();
  };
  void up().catch(() => data.destroy());
  await Promise.allSettled([down(), complaints()]);
  caller.end();
  close();
}
