// One informer per resource and scope, shared by all parts of a process.
import { withoutManagedFields } from '../apimachinery/managedfields/record-update.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { type InformerOptions, ListWatchInformer } from './informer.ts';
import { resourceKey } from './resources.ts';
import type { Client, Informer, InformerScope, Informers } from './types.ts';

/** Inert until `run`; an informer asked for later starts when it is asked for. */
export function createInformers(client: Client, options: InformerOptions): Informers {
  return new SharedInformers(client, options);
}

interface Started {
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
}

class SharedInformers implements Informers {
  readonly #client: Client;
  readonly #options: InformerOptions;
  readonly #informers = new Map<string, Started>();
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
    return scope.metadataOnly && !this.#informers.has(key)
      ? this.#shared(`${key}\nmetadata`, resource, { scope, keep: withoutManagedFields })
      : this.#shared(key, resource, { scope });
  }

  #shared<T extends KubeObject>(
    key: string,
    resource: GroupVersionResource,
    { scope, ...options }: Pick<InformerOptions, 'keep'> & { readonly scope: InformerScope },
  ): Informer<T> {
    let started = this.#informers.get(key);
    if (!started) {
      const all = { ...this.#options, ...options };
      const informer = new ListWatchInformer<KubeObject>(this.#client, resource, scope, all);
      started = { informer, stop: new AbortController() };
      this.#informers.set(key, started);
      if (this.#signal?.aborted === false) this.#start(started);
    }
    // The map's key names the resource, so whoever asks for it again means the same kind.
    return started.informer as unknown as Informer<T>;
  }

  forget(resource: GroupVersionResource): void {
    const prefix = `${resourceKey(resource)}\n`;
    for (const [key, { stop }] of this.#informers) {
      if (!key.startsWith(prefix)) continue;
      stop.abort();
      this.#informers.delete(key);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const started of this.#informers.values()) this.#start(started);
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    for (const { stop } of this.#informers.values()) stop.abort(signal.reason);
    await Promise.all(this.#running);
  }

  #start({ informer, stop }: Started): void {
    const running = informer.run(stop.signal);
    this.#running.add(running);
    const ended = () => this.#running.delete(running);
    running.then(ended, ended);
  }
}
