// Changes of the stream, handed over together once a frame.
import type { PictureChange } from '../../explain/picture/picture.ts';

export interface Gathered {
  add(change: PictureChange): void;
  /** What waits is not needed any more. */
  clear(): void;
}

/** A page that nobody sees has no frames: then it hands over when so many wait, or they would be as many as come until it is seen. */
const mostWaiting = 100;

export function gather(handOver: (changes: readonly PictureChange[]) => void): Gathered {
  let waiting: PictureChange[] = [];
  let frame = 0;
  const clear = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    waiting = [];
  };
  const flush = () => {
    const changes = waiting;
    clear();
    handOver(changes);
  };
  return {
    add(change) {
      waiting.push(change);
      if (waiting.length >= mostWaiting) flush();
      else if (frame === 0) frame = requestAnimationFrame(flush);
    },
    clear,
  };
}
