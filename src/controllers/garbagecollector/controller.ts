// Deletes what its owners left behind, and carries out foreground and orphan deletion.
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { ignoreNotFound, isNotFound } from '../../apimachinery/status.ts';
import { type DiscoveredResource, discoverResources } from '../../client/discovery.ts';
import type { EventRecorder } from '../../client/events.ts';
import { nodes, resourceKey } from '../../client/resources.ts';
import type { Informer } from '../../client/types.ts';
import { type Controller, type ControllerContext, KeyedController, recorderOf } from '../controller.ts';
import { definedKinds, type KindDefinition } from './defined-kinds.ts';
import { type GraphNode, OwnerGraph } from './graph.ts';
import { type FateInput, fateOf, foregroundFinalizer, type OwnerState, orphanFinalizer } from './reconcile.ts';

/** Milliseconds between looks for new kinds, as upstream. */
const rediscovery = 30_000;
/** Resources whose objects say which kinds are served. */
const definesKinds = /^(customresourcedefinitions|apiservices)$/;
/** Uids known to be gone, which never come back; `NAMESPACE/UID` where it is in no such namespace. */
const absentCacheSize = 1000;

const metadataOnly = { metadataOnly: true };

export function garbageCollector(context: ControllerContext): Controller {
  return new GarbageCollector(context);
}

class GarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #graph = new OwnerGraph();
  readonly #absent = new Set<string>();
  readonly #resources = new Map<string, DiscoveredResource>();
  readonly #loop: KeyedController;
  readonly #recorder: EventRecorder;
  #ready = false;
  /** Resolved when other kinds may be served. */
  #woken = Promise.withResolvers<void>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#recorder = recorderOf(context, 'garbage-collector-controller');
    this.#loop = new KeyedController({
      name: 'garbage-collector-controller',
      context,
      waitFor: [],
      workers: 20,
      sync: (uid) => this.#sync(uid),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#loop.run(signal), this.#discoverForEver(signal)]);
  }

  async #discoverForEver(signal: AbortSignal): Promise<void> {
    const { clock, onError, informers } = this.#context;
    // What others work by is listed first, and their first work is done: half of the kinds are followed here alone.
    await informers.informer(nodes).synced(signal).catch(ignoreEnd);
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (!signal.aborted) {
      let wait = rediscovery;
      this.#woken = Promise.withResolvers();
      try {
        await this.#discover(signal);
      } catch (error) {
        if (signal.aborted) return;
        onError?.(error, 'garbage-collector-controller: discovery');
        if (!this.#ready) wait = 1000;
      }
      const over = new AbortController();
      const slept = clock.sleep(wait, AbortSignal.any([signal, over.signal])).catch(() => undefined);
      await Promise.race([slept, this.#woken.promise]);
      over.abort();
    }
  }

  async #discover(signal: AbortSignal): Promise<void> {
    const { resources, failures } = await discoverResources(this.#context.client);
    this.#forgetAllBut(resources, failures);
    const fresh = resources.filter((r) => isCollectable(r) && !this.#resources.has(resourceKey(r)));
    const informers = fresh.map((resource) => this.#follow(resource));
    if (this.#ready && fresh.length === 0) return;
    const synced = Promise.all(informers.map((informer) => informer.synced(signal)));
    if (!this.#ready) {
      await synced;
      this.#ready = true;
      for (const node of this.#graph.nodes()) this.#consider(node);
      return;
    }
    // A kind that does not answer holds the others up no more. Owners of the new kinds may have gone before they were known.
    const groups = new Set(fresh.map(({ group }) => group));
    synced.then(() => {
      for (const node of this.#graph.nodes()) {
        if (node.owners.some(({ apiVersion }) => groups.has(parseApiVersion(apiVersion).group))) this.#consider(node);
      }
    }, ignoreEnd);
  }

  /** Kinds that are served no more, or in another version; those of a group that does not answer may come back. */
  #forgetAllBut(served: readonly DiscoveredResource[], failures: ReadonlyMap<string, unknown>): void {
    const present = new Set(served.map(resourceKey));
    for (const [key, resource] of this.#resources) {
      if (present.has(key) || failures.has(apiVersionOf(resource))) continue;
      this.#resources.delete(key);
      this.#context.informers.forget(resource);
      this.#graph.forget(resource);
    }
  }

  #follow(resource: DiscoveredResource): Informer<KubeObject> {
    const { group, version, resource: name } = resource;
    this.#resources.set(resourceKey(resource), resource);
    const scope = definesKinds.test(name) ? {} : metadataOnly;
    const informer = this.#context.informers.informer<KubeObject>({ group, version, resource: name }, scope);
    if (definesKinds.test(name)) this.#wakeFor(informer as unknown as Informer<KindDefinition>);
    const seen = (object: Readonly<KubeObject>) => {
      const node = this.#graph.set(resource, object);
      if (node && this.#ready) this.#consider(node);
    };
    informer.addHandler({
      added: seen,
      updated: (object, old) => {
        if (concerns(object) !== concerns(old)) seen(object);
      },
      deleted: (object) => this.#gone(object.metadata.uid ?? ''),
    });
    return informer;
  }

  /** What is built in was found by the first look, and most changes of a definition are in its status. */
  #wakeFor(definitions: Informer<KindDefinition>): void {
    const isKnown = (kind: string) =>
      [...this.#resources.values()].some((r) => kind === `${r.group}/${r.resource} ${r.version}`);
    definitions.addHandler({
      added: (definition) => {
        if (!definedKinds(definition).every(isKnown)) this.#woken.resolve();
      },
      updated: (definition, old) => {
        if (definedKinds(definition).join() !== definedKinds(old).join()) this.#woken.resolve();
      },
      deleted: () => this.#woken.resolve(),
    });
  }

  #gone(uid: string): void {
    const node = this.#graph.delete(uid);
    this.#remember(uid);
    if (!this.#ready) return;
    for (const dependent of this.#graph.dependentsOf(uid)) this.#loop.queue.add(dependent.uid);
    // An owner that waits for its dependents may be free now.
    for (const owner of node?.owners ?? []) {
      if (this.#graph.get(owner.uid)?.finalizers.includes(foregroundFinalizer)) this.#loop.queue.add(owner.uid);
    }
  }

  /** Looks closer at an object only when something about it can need work. */
  #consider(node: GraphNode): void {
    const finalizing =
      node.deleting && (node.finalizers.includes(orphanFinalizer) || node.finalizers.includes(foregroundFinalizer));
    const abandoned = node.owners.some((owner) => {
      const known = this.#graph.get(owner.uid);
      if (known?.namespace !== undefined && known.namespace !== node.namespace) {
        this.#tellOfForeignOwner(node, owner);
        return true;
      }
      return !known || (known.deleting && known.finalizers.includes(foregroundFinalizer));
    });
    if (finalizing || abandoned) this.#loop.queue.add(node.uid);
    // One that no longer blocks its owner.
    for (const owner of node.owners) {
      const waiting = this.#graph.get(owner.uid);
      if (waiting?.deleting && waiting.finalizers.includes(foregroundFinalizer)) this.#loop.queue.add(owner.uid);
    }
  }

  /** An owner is one of its own namespace, or of the cluster. */
  #tellOfForeignOwner(node: GraphNode, { apiVersion, kind, name, uid }: Readonly<OwnerReference>): void {
    const { group, version, kind: dependentKind } = node.resource;
    const involved = {
      apiVersion: apiVersionOf({ group, version }),
      kind: dependentKind,
      name: node.name,
      ...(node.namespace && { namespace: node.namespace }),
      uid: node.uid,
    };
    const namespace = node.namespace ?? '';
    const owner = `[${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}]`;
    const message = `ownerRef ${owner} does not exist in namespace "${namespace}"`;
    this.#recorder.event(involved, { type: 'Warning', reason: 'OwnerRefInvalidNamespace', message });
  }

  async #sync(uid: string): Promise<undefined> {
    const node = this.#graph.get(uid);
    const object = node && (await this.#live(node));
    if (!node || !object) return undefined;
    try {
      if (!object.metadata.deletionTimestamp) await this.#decide(node, object);
      else if (object.metadata.finalizers?.includes(orphanFinalizer)) await this.#orphan(node, object);
      else if (object.metadata.finalizers?.includes(foregroundFinalizer)) await this.#waitForDependents(node, object);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }

  async #decide(node: GraphNode, object: KubeObject): Promise<void> {
    const states = new Map<string, OwnerState>();
    for (const owner of object.metadata.ownerReferences ?? []) states.set(owner.uid, await this.#stateOf(node, owner));
    const dependents = this.#graph.dependentsOf(node.uid);
    const input: FateInput = {
      object,
      stateOf: (owner) => states.get(owner.uid) ?? 'present',
      hasDependents: dependents.length > 0,
      hasDeletingDependents: dependents.some((d) => d.deleting && d.finalizers.includes(foregroundFinalizer)),
    };
    const fate = fateOf(input);
    if (fate.kind === 'release') {
      await this.#patch(node, object, { ownerReferences: fate.ownerReferences });
    } else if (fate.kind === 'delete') {
      const { resourceVersion = '' } = ('unblock' in fate ? await this.#unblock(node, object) : object).metadata;
      // A conflict is looked at anew: somebody may have given it another owner.
      const options = { propagationPolicy: fate.policy, preconditions: { uid: node.uid, resourceVersion } };
      await this.#client(node).delete(node.name, node.namespace, options);
    }
  }

  async #orphan(node: GraphNode, object: KubeObject): Promise<void> {
    for (const dependent of this.#graph.dependentsOf(node.uid)) {
      const live = await this.#live(dependent);
      if (!live) continue;
      const ownerReferences = (live.metadata.ownerReferences ?? []).filter((r) => r.uid !== node.uid);
      await this.#patch(dependent, live, { ownerReferences }).catch(ignoreNotFound);
    }
    await this.#removeFinalizer(node, object, orphanFinalizer);
  }

  async #waitForDependents(node: GraphNode, object: KubeObject): Promise<void> {
    const dependents = this.#graph.dependentsOf(node.uid);
    const blocking = dependents.filter((d) => d.owners.some((o) => o.uid === node.uid && o.blockOwnerDeletion));
    if (blocking.length === 0) {
      await this.#removeFinalizer(node, object, foregroundFinalizer);
      return;
    }
    for (const dependent of dependents) if (!dependent.deleting) this.#loop.queue.add(dependent.uid);
  }

  /** In a circle of owners somebody must go first: an owner that waits for this one. */
  #unblock(node: GraphNode, object: KubeObject): Promise<KubeObject> {
    const { ownerReferences = [] } = object.metadata;
    return this.#patch(node, object, {
      ownerReferences: ownerReferences.map((reference) =>
        reference.blockOwnerDeletion ? { ...reference, blockOwnerDeletion: false } : reference,
      ),
    });
  }

  /** Asks the server, for the cache may be behind. */
  async #stateOf(node: GraphNode, owner: Readonly<OwnerReference>): Promise<OwnerState> {
    const here = `${node.namespace}/${owner.uid}`;
    if (this.#absent.has(owner.uid) || this.#absent.has(here)) return 'absent';
    const { group } = parseApiVersion(owner.apiVersion);
    const resource = [...this.#resources.values()].find((r) => r.group === group && r.kind === owner.kind);
    // A kind that nobody knows now may come back; and a namespaced object cannot own one of the cluster.
    if (!resource || (resource.namespaced && !node.namespace)) return 'present';
    try {
      const namespace = resource.namespaced ? node.namespace : undefined;
      const { metadata } = await this.#context.client.resource<KubeObject>(resource).get(owner.name, namespace);
      if (metadata.uid !== owner.uid) return this.#remember(resource.namespaced ? here : owner.uid);
      const waits = metadata.deletionTimestamp && metadata.finalizers?.includes(foregroundFinalizer);
      return waits ? 'deleting' : 'present';
    } catch (error) {
      // A kind that is served no more answers 404 too, and says nothing of the owner.
      if (isNotFound(error) && error.status.details?.name === owner.name) {
        return this.#remember(resource.namespaced ? here : owner.uid);
      }
      throw error;
    }
  }

  #remember(owner: string): 'absent' {
    this.#absent.add(owner);
    for (const oldest of this.#absent) {
      if (this.#absent.size <= absentCacheSize) break;
      this.#absent.delete(oldest);
    }
    return 'absent';
  }

  /** The object as the server has it, if it is still the same one. */
  async #live(node: GraphNode): Promise<KubeObject | undefined> {
    try {
      const object = await this.#client(node).get(node.name, node.namespace);
      return object.metadata.uid === node.uid ? object : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #removeFinalizer(node: GraphNode, object: KubeObject, finalizer: string): Promise<void> {
    await this.#patch(node, object, {
      finalizers: (object.metadata.finalizers ?? []).filter((f) => f !== finalizer),
    });
  }

  async #patch(node: GraphNode, object: KubeObject, metadata: Record<string, unknown>): Promise<KubeObject> {
    const { uid, resourceVersion } = object.metadata;
    const target = { name: node.name, ...(node.namespace && { namespace: node.namespace }) };
    const body = { metadata: { uid, resourceVersion, ...metadata } };
    return await this.#client(node).patch({ ...target, type: 'merge', body });
  }

  #client(node: GraphNode) {
    return this.#context.client.resource<KubeObject>(node.resource);
  }
}

function isCollectable({ resource, verbs }: DiscoveredResource): boolean {
  // Events own nothing, are owned by nobody, and change all the time.
  return resource !== 'events' && ['get', 'list', 'watch', 'delete'].every((verb) => verbs.includes(verb));
}

/** What of an object matters here; most changes touch none of it. */
function concerns({ metadata }: Readonly<KubeObject>): string {
  return JSON.stringify([metadata.ownerReferences, metadata.deletionTimestamp, metadata.finalizers]);
}

/** An informer that ends before it has synced is one that nobody waits for any more. */
function ignoreEnd(): void {}
