// A client whose calls and events wait while its gate is closed: a controller's process that is stopped, as by SIGSTOP.
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import type { Client, ResourceClient } from '../../client/types.ts';

export class Gate {
  #opened: { readonly promise: Promise<void>; resolve(): void } | undefined;

  close(): void {
    this.#opened ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  /** Resolves at once while the gate is open. */
  async passed(): Promise<void> {
    while (this.#opened) await this.#opened.promise;
  }
}

export function clientThrough(gate: Gate, client: Client): Client {
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await gate.passed();
      return call(...args);
    };
  return {
    raw: later((request) => client.raw(request)),
    resource<T extends KubeObject>(resource: GroupVersionResource): ResourceClient<T> {
      const api = client.resource<T>(resource);
      return {
        get: later((name, namespace) => api.get(name, namespace)),
        list: later((options) => api.list(options)),
        create: later((object, options) => api.create(object, options)),
        update: later((object, options) => api.update(object, options)),
        patch: later((request, options) => api.patch(request, options)),
        delete: later((name, namespace, options) => api.delete(name, namespace, options)),
        async *watch(options) {
          for await (const event of api.watch(options)) {
            await gate.passed();
            yield event;
          }
        },
      };
    },
  };
}
