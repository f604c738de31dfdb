// The client's end of an exec or attach, whatever it speaks, as frames; and the pump between it and the kubelet.
import type { Duplex } from 'node:stream';
import { internalError } from '../../apimachinery/status.ts';
import { write } from '../../client/drained.ts';
import { channel, encodeFrame, type Frame, FrameDecoder } from '../../client/stream-frames.ts';

export interface FramePeer {
  /** What the client sends: stdin, resize, close. Ends when it goes away. */
  readonly frames: AsyncIterable<Frame>;
  /** Resolves when the client can take more. */
  send(frame: Frame): Promise<void>;
  /** Everything was sent. */
  close(): void;
}

const lost = Buffer.from(
  JSON.stringify(internalError('lost the connection to the node before the command ended').status),
);

/** Carries frames both ways until the kubelet ends the stream or the client goes away. Never rejects. */
export async function pump(peer: FramePeer, kubelet: Duplex): Promise<void> {
  kubelet.on('error', () => {});
  const upwards = async () => {
    for await (const frame of peer.frames) {
      if (kubelet.destroyed) return;
      await write(kubelet, encodeFrame(frame));
    }
    // Without its client an exec has no purpose: the kubelet is told by the end of the stream.
    kubelet.destroy();
  };
  const downwards = async () => {
    const decoder = new FrameDecoder();
    let isOver = false;
    try {
      for await (const chunk of kubelet as AsyncIterable<Buffer>) {
        for (const frame of decoder.push(chunk)) {
          isOver ||= frame.channel === channel.error;
          await peer.send(frame);
        }
      }
    } finally {
      // A client takes an end without a word for success.
      if (!isOver) await peer.send({ channel: channel.error, data: lost });
      peer.close();
    }
  };
  await Promise.allSettled([upwards(), downwards()]);
}
