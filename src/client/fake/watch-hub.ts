// The versions of a FakeApi and its open watches.
import type { GroupVersionResource, KubeObject, WatchEvent } from '../../apimachinery/object.ts';
import { expired } from '../../apimachinery/status.ts';
import { resourceKey } from '../resources.ts';
import type { WatchOptions } from '../types.ts';

type Change = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject };

interface Recorded {
  readonly version: number;
  readonly resource: string;
  readonly change: Change;
}

interface Watcher {
  /** The next event to hand over, by its place in the history. */
  next: number;
  wake: () => void;
  ended: boolean;
}

export class WatchHub {
  #version = 0;
  #compacted = 0;
  #history: Recorded[] = [];
  readonly #watchers = new Set<Watcher>();

  version(): string {
    return String(this.#version);
  }

  nextVersion(): string {
    this.#version += 1;
    return String(this.#version);
  }

  publish(resource: GroupVersionResource, change: Change): void {
    this.#history.push({ version: this.#version, resource: resourceKey(resource), change });
    for (const watcher of this.#watchers) watcher.wake();
  }

  /** Ends all open watches, as a server that restarts does. */
  breakWatches(): void {
    for (const watcher of this.#watchers) {
      watcher.ended = true;
      watcher.wake();
    }
  }

  /** Forgets history: watches from before now get 410. */
  compact(): void {
    this.#compacted = this.#version;
  }

  async *watch(resource: GroupVersionResource, options: WatchOptions): AsyncIterableIterator<WatchEvent<KubeObject>> {
    const from = Number(options.resourceVersion ?? this.#version);
    if (from < this.#compacted) throw expired(`too old resource version: ${from} (${this.#compacted})`);
    const key = resourceKey(resource);
    const first = this.#history.findIndex((r) => r.version > from);
    const watcher: Watcher = { next: first < 0 ? this.#history.length : first, wake: () => undefined, ended: false };
    const stop = () => {
      watcher.ended = true;
      watcher.wake();
    };
    options.signal.addEventListener('abort', stop, { once: true });
    this.#watchers.add(watcher);
    try {
      while (!watcher.ended && !options.signal.aborted) {
        const recorded = this.#history[watcher.next];
        if (recorded) {
          watcher.next += 1;
          if (recorded.resource === key) yield recorded.change;
        } else {
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
        }
      }
    } finally {
      this.#watchers.delete(watcher);
      options.signal.removeEventListener('abort', stop);
    }
  }
}
