// One informer per resource and scope, shared by all parts of a process.
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { type InformerOptions, ListWatchInformer } from './informer.ts';
import { resourceKey } from './resources.ts';
import type { Client, Informer, InformerScope, Informers } from './types.ts';

/** Inert until `run`; an informer asked for later starts when it is asked for. */
export function createInformers(client: Client, options: InformerOptions): Informers {
  return new SharedInformers(client, options);
}

class SharedInformers implements Informers {
  readonly #client: Client;
  readonly #options: InformerOptions;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(client: Client, options: InformerOptions) {
    this.#client = client;
    this.#options = options;
  }

  informer<T extends KubeObject>(resource: GroupVersionResource, scope: InformerScope = {}): Informer<T> {
    const key = [
      resourceKey(resource),
      scope.namespace ?? '',
      scope.labelSelector ?? '',
      scope.fieldSelector ?? '',
    ].join('\n');
    let informer = this.#informers.get(key);
    if (!informer) {
      informer = new ListWatchInformer<KubeObject>(this.#client, resource, scope, this.#options);
      this.#informers.set(key, informer);
      if (this.#signal) this.#start(informer, this.#signal);
    }
    // The map's key names the resource, so whoever asks for it again means the same kind.
    return informer as unknown as Informer<T>;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#start(informer, signal);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    await Promise.all(this.#running);
  }

  #start(informer: Informer<KubeObject>, signal: AbortSignal): void {
    this.#running.add(informer.run(signal));
  }
}
