// A small API server in memory, behind the Client interface: enough of the real one's semantics that controllers
// behave as they would (resource versions and conflicts, generated names, generation, finalizers and graceful deletion,
// selectors, watches with history). No validation, no defaults.

import { jsonCopy, jsonEqual } from '../../apimachinery/json/value.ts';
import { apiVersionOf, type GroupVersionResource, type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { applyJsonPatch } from '../../apimachinery/patch/json-patch.ts';
import { applyMergePatch } from '../../apimachinery/patch/merge-patch.ts';
import { alreadyExists, badRequest, conflict, notFound } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { resourceKey } from '../resources.ts';
import type { Client, DeleteOptions, PatchRequest, RawRequest, RawResponse, ResourceClient } from '../types.ts';
import { builtinResources } from './builtin-resources.ts';
import { answerDiscovery } from './discovery-answer.ts';
import { FakeResource } from './fake-resource.ts';
import { WatchHub } from './watch-hub.ts';

export interface FakeApiOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** One call that changed something, or tried to. */
export interface RecordedCall {
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  readonly resource: string;
  readonly subresource: string;
  /** `namespace/name`. */
  readonly key: string;
}

/** Looks at a call before it happens; throwing refuses it. */
export type Reactor = (call: RecordedCall, object: KubeObject | undefined) => void | Promise<void>;

/** Suffixes of generated names use upstream's alphabet, which spells no words. */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

export class FakeApi implements Client {
  readonly hub = new WatchHub();
  /** Every write, in order, refused ones too. */
  readonly calls: RecordedCall[] = [];
  readonly #options: FakeApiOptions;
  readonly #collections = new Map<string, Map<string, KubeObject>>();
  readonly #reactors: Reactor[] = [];

  constructor(options: FakeApiOptions) {
    this.#options = options;
  }

  resource<T extends KubeObject>(resource: GroupVersionResource): ResourceClient<T> {
    return new FakeResource<T>(this, resource);
  }

  async raw(request: RawRequest): Promise<RawResponse> {
    return answerDiscovery(request);
  }

  /** Adds a check before each write, after those that are there. Returns how to take it away. */
  react(reactor: Reactor): () => void {
    this.#reactors.push(reactor);
    return () => {
      this.#reactors.splice(this.#reactors.indexOf(reactor), 1);
    };
  }

  /** Notes a call and lets the reactors refuse it. */
  async enter(call: RecordedCall, object?: KubeObject): Promise<void> {
    this.calls.push(call);
    for (const reactor of this.#reactors) await reactor(call, object);
  }

  collection(resource: GroupVersionResource): Map<string, KubeObject> {
    const key = resourceKey(resource);
    const collection = this.#collections.get(key) ?? new Map<string, KubeObject>();
    this.#collections.set(key, collection);
    return collection;
  }

  find(resource: GroupVersionResource, key: string): KubeObject {
    const object = this.collection(resource).get(key);
    if (!object) throw notFound(resource, key.split('/').at(-1) ?? key);
    return object;
  }

  create(resource: GroupVersionResource, given: KubeObject): KubeObject {
    const object = jsonCopy(given);
    const facts = builtinResources.find((r) => resourceKey(r) === resourceKey(resource));
    object.apiVersion = apiVersionOf(resource);
    if (facts) object.kind = facts.kind;
    if (facts?.namespaced && !object.metadata.namespace) throw badRequest('an empty namespace may not be set');
    const meta = object.metadata;
    if (!meta.name) meta.name = `${meta.generateName ?? ''}${this.#suffix()}`;
    if (this.collection(resource).has(objectKey(object))) throw alreadyExists(resource, meta.name);
    meta.uid = this.#options.random.uuid();
    meta.creationTimestamp = this.now();
    delete meta.deletionTimestamp;
    if ('spec' in object) meta.generation = 1;
    return this.put(resource, object, 'ADDED');
  }

  /** PUT of an object or of one of its subresources. */
  update(resource: GroupVersionResource, given: KubeObject, subresource = ''): KubeObject {
    const old = this.find(resource, objectKey(given));
    const wanted = given.metadata.resourceVersion;
    if (wanted && wanted !== old.metadata.resourceVersion) {
      const why = 'the object has been modified; please apply your changes to the latest version and try again';
      throw conflict(resource, given.metadata.name, why);
    }
    return this.#replace(resource, old, subresourceOf(jsonCopy(given), old, subresource));
  }

  patch(resource: GroupVersionResource, request: PatchRequest, subresource = ''): KubeObject {
    const old = this.find(resource, request.namespace ? `${request.namespace}/${request.name}` : request.name);
    if (request.type === 'strategic' || request.type === 'apply') {
      throw badRequest(`the fake API knows json and merge patches, not ${request.type}`);
    }
    const apply = request.type === 'json' ? applyJsonPatch : applyMergePatch;
    const patched = jsonCopy(apply(old, request.body)) as KubeObject;
    return this.update(resource, patched, subresource);
  }

  delete(resource: GroupVersionResource, key: string, options: DeleteOptions = {}): void {
    const old = this.find(resource, key);
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== old.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
      throw conflict(resource, old.metadata.name, why);
    }
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(resource, old.metadata.name, 'the resourceVersion in the precondition does not match');
    }
    const object = jsonCopy(old);
    const finalizers = new Set(object.metadata.finalizers ?? []);
    if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
    if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (finalizers.size > 0) object.metadata.finalizers = [...finalizers];
    const grace = gracePeriod(resource, object, options);
    const namespaceWaits = resource.resource === 'namespaces' && hasSpecFinalizers(object);
    if (namespaceWaits) (object as { status?: unknown }).status = { phase: 'Terminating' };
    if (finalizers.size === 0 && grace === 0 && !namespaceWaits) {
      this.remove(resource, object);
      return;
    }
    object.metadata.deletionTimestamp ??= formatTime(this.#options.clock.now() + grace * 1000);
    object.metadata.deletionGracePeriodSeconds = grace;
    if (!jsonEqual(object, old)) this.put(resource, object, 'MODIFIED');
  }

  put(resource: GroupVersionResource, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    object.metadata.resourceVersion = this.hub.nextVersion();
    this.collection(resource).set(objectKey(object), object);
    this.hub.publish(resource, { type, object });
    return jsonCopy(object);
  }

  remove(resource: GroupVersionResource, object: KubeObject): void {
    const gone = jsonCopy(object);
    gone.metadata.resourceVersion = this.hub.nextVersion();
    this.collection(resource).delete(objectKey(object));
    this.hub.publish(resource, { type: 'DELETED', object: gone });
  }

  now(): string {
    return formatTime(this.#options.clock.now());
  }

  #replace(resource: GroupVersionResource, old: KubeObject, object: KubeObject): KubeObject {
    object.apiVersion = old.apiVersion ?? apiVersionOf(resource);
    if (old.kind) object.kind = old.kind;
    const { uid, creationTimestamp, deletionTimestamp, resourceVersion, generation } = old.metadata;
    Object.assign(object.metadata, { uid, creationTimestamp, resourceVersion });
    if (deletionTimestamp) object.metadata.deletionTimestamp = deletionTimestamp;
    if (generation !== undefined) {
      const changed = !jsonEqual(specOf(old), specOf(object));
      object.metadata.generation = changed ? generation + 1 : generation;
    }
    if (jsonEqual(object, old)) return jsonCopy(old);
    const finalizers = object.metadata.finalizers?.length ?? 0;
    const waits = resource.resource === 'namespaces' && hasSpecFinalizers(object);
    const graceful = (object.metadata.deletionGracePeriodSeconds ?? 0) > 0;
    if (deletionTimestamp && finalizers === 0 && !waits && !graceful) {
      this.remove(resource, object);
      return jsonCopy(object);
    }
    return this.put(resource, object, 'MODIFIED');
  }

  #suffix(): string {
    return Array.from({ length: 5 }, () => nameAlphabet[this.#options.random.int(nameAlphabet.length)]).join('');
  }
}

function specOf(object: KubeObject): unknown {
  return (object as { spec?: unknown }).spec;
}

function hasSpecFinalizers(object: KubeObject): boolean {
  return ((specOf(object) as { finalizers?: string[] } | undefined)?.finalizers?.length ?? 0) > 0;
}

/** What a write to `subresource` makes of the old object. */
function subresourceOf(given: KubeObject, old: KubeObject, subresource: string): KubeObject {
  const result = jsonCopy(old) as KubeObject & { status?: unknown; spec?: unknown };
  if (subresource === 'status') {
    result.status = (given as { status?: unknown }).status;
    // As the real one: metadata may come with a status.
    const { finalizers, annotations } = given.metadata;
    Object.assign(result.metadata, { ...(finalizers && { finalizers }), ...(annotations && { annotations }) });
    return result;
  }
  if (subresource === 'finalize') {
    result.spec = specOf(given);
    return result;
  }
  if (subresource === 'approval') {
    result.status = (given as { status?: unknown }).status;
    return result;
  }
  // Where status is a subresource, a write of the object does not touch it.
  const kept = given as KubeObject & { status?: unknown };
  if (result.status === undefined) delete kept.status;
  else kept.status = result.status;
  return kept;
}

/** Seconds until a Pod may go; its kubelet ends it sooner by a delete with 0. */
function gracePeriod(resource: GroupVersionResource, object: KubeObject, options: DeleteOptions): number {
  if (resource.resource !== 'pods') return 0;
  const pod = object as {
    spec?: { nodeName?: string; terminationGracePeriodSeconds?: number };
    status?: { phase?: string };
  };
  if (!pod.spec?.nodeName || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
  return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
}
