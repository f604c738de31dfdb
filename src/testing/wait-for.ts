// Waits for an object to be as a test wants it, by a watch, so that it is seen when it happens.
import type { KubeObject } from '../apimachinery/object.ts';
import { isExpired } from '../apimachinery/status.ts';
import type { Client } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { ResourceOf } from './resources.ts';

/** Of an object without a namespace, or of one in the namespace `default`, the name alone will do. */
export type ObjectName = string | { readonly name: string; readonly namespace: string };

export interface WaitForOptions<T extends KubeObject> {
  readonly client: Client;
  readonly resource: ResourceOf<T>;
  readonly name: ObjectName;
  /** Asked of the object, and of undefined when there is none. */
  readonly condition: (object: T | undefined) => boolean;
  /** Milliseconds of the machine's time. */
  readonly timeout: number;
  readonly clock: Clock;
}

/** What fulfilled the condition. Rejects with an Error that holds what was last seen when time is over. */
export async function waitFor<T extends KubeObject>(options: WaitForOptions<T>): Promise<T | undefined> {
  const { resource, name, timeout, clock } = options;
  const over = new AbortController();
  const timer = clock.after(timeout, () => over.abort());
  const seen: { last: T | undefined } = { last: undefined };
  try {
    while (!over.signal.aborted) {
      try {
        if (await follow(options, seen, over.signal)) return seen.last;
      } catch (error) {
        if (!over.signal.aborted && !isExpired(error)) throw error;
      }
    }
  } finally {
    timer.cancel();
    over.abort();
  }
  const what = `${resource.resource} ${typeof name === 'string' ? name : `${name.namespace}/${name.name}`}`;
  throw new Error(
    `waited ${timeout / 1000} s in vain for ${what}; last seen: ${JSON.stringify(seen.last) ?? 'nothing'}`,
  );
}

/** True once the condition is fulfilled; false when the watch has ended by itself. */
async function follow<T extends KubeObject>(
  { client, resource, name, condition }: WaitForOptions<T>,
  seen: { last: T | undefined },
  signal: AbortSignal,
): Promise<boolean> {
  const api = client.resource<T>(resource);
  const wanted = typeof name === 'string' ? { name, namespace: 'default' } : name;
  // All namespaces, so that a name alone finds objects that have none.
  const scope = { fieldSelector: `metadata.name=${wanted.name}` };
  const isIt = ({ metadata: { namespace } }: T) => namespace === undefined || namespace === wanted.namespace;
  const list = await api.list(scope);
  seen.last = list.items.find(isIt);
  if (condition(seen.last)) return true;
  const { resourceVersion } = list.metadata;
  for await (const { type, object } of api.watch({ ...scope, ...(resourceVersion && { resourceVersion }), signal })) {
    if (type === 'BOOKMARK' || type === 'ERROR' || !isIt(object)) continue;
    seen.last = type === 'DELETED' ? undefined : object;
    if (condition(seen.last)) return true;
  }
  return false;
}
