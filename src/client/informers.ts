// One informer per resource and scope, shared by all parts of a process.
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { sinkOf } from './follower.ts';
import { type InformerOptions, ListWatchInformer } from './informer.ts';
import { Reflector } from './reflector.ts';
import { resourceKey } from './resources.ts';
import type { Client, Follower, Following, Informer, InformerScope, Informers } from './types.ts';

/** Inert until `run`; an informer asked for later starts when it is asked for. */
export function createInformers(client: Client, options: InformerOptions): Informers {
  return new SharedInformers(client, options);
}

/** An informer, or a reflector that a follower has for itself. */
interface Runner {
  run(signal: AbortSignal): Promise<void>;
}

class SharedInformers implements Informers {
  readonly #client: Client;
  readonly #options: InformerOptions;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  /** What is to run, or runs, with what ends it; of one resource there may be several. */
  readonly #runners = new Map<Runner, { readonly resource: string; readonly stop: AbortController }>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(client: Client, options: InformerOptions) {
    this.#client = client;
    this.#options = options;
  }

  informer<T extends KubeObject>(resource: GroupVersionResource, scope: InformerScope = {}): Informer<T> {
    const key = scopeKey(resource, scope);
    let informer = this.#informers.get(key);
    if (!informer) {
      const made = new ListWatchInformer<KubeObject>(this.#client, resource, scope, this.#options);
      informer = made;
      this.#informers.set(key, made);
      this.#add(made, resource);
    }
    // The map's key names the resource, so whoever asks for it again means the same kind.
    return informer as unknown as Informer<T>;
  }

  follow(resource: GroupVersionResource, follower: Follower): Following {
    const whole = this.#informers.get(scopeKey(resource));
    if (whole) {
      let isListed = false;
      follower.listing();
      whole.addHandler({
        added: (object) => follower.seen(object, isListed),
        updated: (object) => follower.seen(object, false),
        deleted: (object) => follower.gone(object),
        synced: () => {
          isListed = true;
          follower.listed();
        },
      });
      return whole;
    }
    const options = { ...this.#options, metadataOnly: true };
    const reflector = new Reflector(this.#client, { resource }, sinkOf(follower, resource, options), options);
    this.#add(reflector, resource);
    return { lister: undefined, synced: (signal) => reflector.synced(signal) };
  }

  forget(resource: GroupVersionResource): void {
    const forgotten = resourceKey(resource);
    for (const [runner, { resource, stop }] of this.#runners) {
      if (resource !== forgotten) continue;
      stop.abort();
      this.#runners.delete(runner);
    }
    for (const key of this.#informers.keys()) if (key.startsWith(`${forgotten}\n`)) this.#informers.delete(key);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const [runner, { stop }] of this.#runners) this.#start(runner, stop.signal);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    for (const { stop } of this.#runners.values()) stop.abort(signal.reason);
    await Promise.all(this.#running);
  }

  #add(runner: Runner, resource: GroupVersionResource): void {
    const stop = new AbortController();
    this.#runners.set(runner, { resource: resourceKey(resource), stop });
    if (this.#signal?.aborted === false) this.#start(runner, stop.signal);
  }

  #start(runner: Runner, signal: AbortSignal): void {
    const running = runner.run(signal);
    this.#running.add(running);
    const ended = () => this.#running.delete(running);
    running.then(ended, ended);
  }
}

function scopeKey(resource: GroupVersionResource, scope: InformerScope = {}): string {
  return [resourceKey(resource), scope.namespace ?? '', scope.labelSelector ?? '', scope.fieldSelector ?? ''].join(
    '\n',
  );
}
