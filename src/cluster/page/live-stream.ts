// The picture as it changes, to everyone who looks: server-sent events, one `picture` and then `change`s, and a comment now
// and then where nothing changes: so nobody on the way takes the stream for dead, and the page knows when it is.
import type { ServerResponse } from 'node:http';
import type { WorldFollower } from '../../explain/history/world-follower.ts';
import { PictureState } from '../../explain/picture/picture-state.ts';
import type { Clock, Timer } from '../../system/clock.ts';

/** Changes are gathered for so many milliseconds: eyes see no difference, and a busy cluster is told in fewer words. */
const gatherMs = 100;
/** A reader that has so many bytes waiting is let go; it comes back and begins anew. */
const mostWaiting = 8 * 1024 * 1024;

/** Well within the silence that proxies bear, and that the page does (src/ui/state/api.ts). */
const beatMs = 10_000;

export class LiveStream {
  readonly #world: WorldFollower;
  readonly #clock: Clock;
  readonly #state = new PictureState();
  readonly #readers = new Set<ServerResponse>();
  #timer: Timer | undefined;
  #beat: Timer | undefined;

  constructor(world: WorldFollower, clock: Clock) {
    this.#world = world;
    this.#clock = clock;
  }

  /** Follows the world until the signal aborts, which ends all streams. */
  start(signal: AbortSignal): void {
    const stop = this.#world.listen({
      put: (object) => {
        this.#state.put(object);
        this.#schedule();
      },
      remove: (object) => {
        this.#state.remove(object);
        this.#schedule();
      },
    });
    signal.addEventListener('abort', () => {
      stop();
      this.#timer?.cancel();
      this.#beat?.cancel();
      for (const reader of this.#readers) reader.end();
    });
  }

  /** The head of the answer is written already. */
  add(reader: ServerResponse): void {
    this.#flush();
    reader.write(event('picture', { ...this.#moment(), items: this.#state.items() }));
    this.#readers.add(reader);
    reader.once('close', () => this.#readers.delete(reader));
    if (this.#readers.size === 1) this.#nextBeat();
  }

  #nextBeat(): void {
    this.#beat?.cancel();
    this.#beat = this.#clock.after(beatMs, () => {
      if (this.#readers.size === 0) return;
      this.#tell(': still here\n\n');
      this.#nextBeat();
    });
  }

  #moment() {
    const { revision } = this.#world;
    return { revision, time: this.#clock.now() };
  }

  #schedule(): void {
    // With nobody looking, changes wait in the state for the next who comes.
    if (this.#timer || this.#readers.size === 0) return;
    this.#timer = this.#clock.after(gatherMs, () => {
      this.#timer = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    const { set, gone } = this.#state.takeChange();
    if (this.#readers.size === 0 || set.length + gone.length === 0) return;
    this.#tell(event('change', { ...this.#moment(), set, gone }));
  }

  #tell(text: string): void {
    for (const reader of this.#readers) {
      if (reader.writableLength > mostWaiting) reader.destroy();
      else reader.write(text);
    }
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
