import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { WatchEvent } from '../../apimachinery/object.ts';
import { apiVersionOf, type GroupVersionResource, type KubeList, type KubeObject } from '../../apimachinery/object.ts';
import { matchesFields, parseFieldSelector } from '../../apimachinery/selectors/field-selector.ts';
import { matchesLabels, parseLabelSelector } from '../../apimachinery/selectors/label-selector.ts';
import { conflict } from '../../apimachinery/status.ts';
import { resourceKey } from '../resources.ts';
import type { DeleteOptions, ListOptions, PatchRequest, ResourceClient, WatchOptions, WriteOptions } from '../types.ts';
import { builtinResources } from './builtin-resources.ts';
import type { FakeApi, RecordedCall } from './fake-api.ts';

/** One resource of a FakeApi. */
export class FakeResource<T extends KubeObject> implements ResourceClient<T> {
  readonly #api: FakeApi;
  readonly #resource: GroupVersionResource;

  constructor(api: FakeApi, resource: GroupVersionResource) {
    this.#api = api;
    this.#resource = resource;
  }

  async get(name: string, namespace?: string): Promise<T> {
    return jsonCopy(this.#api.find(this.#resource, keyOf(name, namespace))) as T;
  }

  async list(options: ListOptions = {}): Promise<KubeList<T>> {
    const matches = matcher(options);
    const items = [...this.#api.collection(this.#resource).values()].filter(matches).map((o) => jsonCopy(o) as T);
    const kind = builtinResources.find((r) => resourceKey(r) === resourceKey(this.#resource))?.kind ?? '';
    const metadata = { resourceVersion: this.#api.hub.version() };
    return { apiVersion: apiVersionOf(this.#resource), kind: `${kind}List`, metadata, items };
  }

  async *watch(options: WatchOptions) {
    const matches = matcher(options);
    for await (const event of this.#api.hub.watch(this.#resource, options)) {
      if (event.type === 'BOOKMARK' || event.type === 'ERROR') yield event as WatchEvent<T>;
      else if (matches(event.object)) yield { type: event.type, object: jsonCopy(event.object) as T };
    }
  }

  async create(object: T, options: WriteOptions = {}): Promise<T> {
    const { name, namespace } = object.metadata;
    await this.#enter('create', keyOf(name, namespace), object, options);
    if (options.subresource === 'binding') return this.#bind(object);
    return this.#api.create(this.#resource, object) as T;
  }

  async update(object: T, options: WriteOptions = {}): Promise<T> {
    const { name, namespace } = object.metadata;
    await this.#enter('update', keyOf(name, namespace), object, options);
    return this.#api.update(this.#resource, object, options.subresource) as T;
  }

  async patch(request: PatchRequest, options: WriteOptions = {}): Promise<T> {
    await this.#enter('patch', keyOf(request.name, request.namespace), undefined, options);
    return this.#api.patch(this.#resource, request, options.subresource) as T;
  }

  async delete(name: string, namespace?: string, options: DeleteOptions = {}): Promise<void> {
    await this.#enter('delete', keyOf(name, namespace));
    this.#api.delete(this.#resource, keyOf(name, namespace), options);
  }

  async #enter(verb: RecordedCall['verb'], key: string, object?: T, options: WriteOptions = {}): Promise<void> {
    const subresource = options.subresource ?? '';
    await this.#api.enter({ verb, resource: this.#resource.resource, subresource, key }, object);
  }

  /** POST pods/NAME/binding. */
  #bind(binding: T): T {
    const { name, namespace } = binding.metadata;
    const pod = jsonCopy(this.#api.find(this.#resource, keyOf(name, namespace))) as KubeObject & {
      spec: { nodeName?: string };
      status?: { conditions?: unknown[] };
    };
    if (pod.spec.nodeName)
      throw conflict(this.#resource, name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
    pod.spec.nodeName = (binding as unknown as { target: { name: string } }).target.name;
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: this.#api.now() };
    pod.status = { ...pod.status, conditions: [...(pod.status?.conditions ?? []), scheduled] };
    this.#api.put(this.#resource, pod, 'MODIFIED');
    return binding;
  }
}

function keyOf(name: string, namespace: string | undefined): string {
  return namespace ? `${namespace}/${name}` : name;
}

function matcher(options: ListOptions): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(options.labelSelector ?? '');
  const fields = parseFieldSelector(options.fieldSelector ?? '');
  return (object) => {
    if (options.namespace && object.metadata.namespace !== options.namespace) return false;
    return matchesLabels(labels, object.metadata.labels) && matchesFields(fields, (path) => textAt(object, path));
  };
}

/** The text of the field `a.b.c`; the real server allows but a few of them. */
function textAt(object: KubeObject, path: string): string | undefined {
  let value: unknown = object;
  for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return value === undefined ? '' : String(value);
}
