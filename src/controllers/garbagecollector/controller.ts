// Deletes what its owners left behind, and carries out foreground and orphan deletion.
import { dropOldest } from '../../apimachinery/drop-oldest.ts';
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type KubeObject, parseApiVersion } from '../../apimachinery/object.ts';
import { ignoreNotFound, isNotFound } from '../../apimachinery/status.ts';
import { type DiscoveredResource, discoverResources } from '../../client/discovery.ts';
import type { EventRecorder } from '../../client/events.ts';
import { nodes, resourceKey } from '../../client/resources.ts';
import type { Following } from '../../client/types.ts';
import { type Controller, type ControllerContext, KeyedController, recorderOf } from '../controller.ts';
import { definedKinds, type KindDefinition } from './defined-kinds.ts';
import { type GraphNode, hasPlace, nodeOf, OwnerGraph } from './graph.ts';
import { type FateInput, fateOf, foregroundFinalizer, type OwnerState, orphanFinalizer } from './reconcile.ts';

/** Milliseconds between looks for new kinds, as upstream. */
const rediscovery = 30_000;
/** Milliseconds that the first look waits for all kinds, as upstream: one that cannot be listed holds up no others for longer. */
const firstSync = 30_000;
/** Resources whose objects say which kinds are served. */
const definesKinds = /^(customresourcedefinitions|apiservices)$/;
const absentCacheSize = 1000;

export function garbageCollector(context: ControllerContext): Controller {
  return new GarbageCollector(context);
}

interface Followed {
  readonly resource: DiscoveredResource;
  /** Where others follow whole objects of the kind. */
  lister: Following['lister'];
  /** What a list that comes now has told of so far, as {@link placeOf} says. */
  listing: Set<string> | undefined;
  /** What the last list told of, until it was looked at. */
  listed: Set<string> | undefined;
}

class GarbageCollector implements Controller {
  readonly #context: ControllerContext;
  readonly #graph = new OwnerGraph();
  /** Uids known to be gone, which never come back; `NAMESPACE/UID`, and whether it is in another one, of what is not in that. */
  readonly #absent = new Map<string, { readonly isElsewhere: boolean }>();
  readonly #followed = new Map<string, Followed>();
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
    const fresh = resources.filter((r) => isCollectable(r) && !this.#followed.has(resourceKey(r)));
    const followings = fresh.map((resource) => this.#follow(resource));
    if (this.#ready) return;
    const synced = Promise.all(followings.map((following) => following.synced(signal)));
    const late = Promise.withResolvers<void>();
    const timer = this.#context.clock.after(firstSync, () => late.resolve());
    await Promise.race([synced, late.promise]).finally(() => timer.cancel());
    this.#ready = true;
    for (const node of this.#graph.nodes()) this.#consider(node);
    for (const followed of this.#followed.values()) followed.listed = undefined;
  }

  /** Kinds that are served no more, or in another version; those of a group that does not answer may come back. */
  #forgetAllBut(served: readonly DiscoveredResource[], failures: ReadonlyMap<string, unknown>): void {
    const present = new Set(served.map(resourceKey));
    for (const [key, { resource }] of this.#followed) {
      if (present.has(key) || failures.has(apiVersionOf(resource))) continue;
      this.#followed.delete(key);
      this.#context.informers.forget(resource);
      this.#graph.forget(resource);
    }
  }

  #follow(resource: DiscoveredResource): Following {
    if (definesKinds.test(resource.resource)) this.#wakeFor(resource);
    const followed: Followed = { resource, lister: undefined, listing: undefined, listed: undefined };
    this.#followed.set(resourceKey(resource), followed);
    const following = this.#context.informers.follow(resource, {
      listing: () => {
        followed.listing = new Set();
      },
      seen: (object, isNew) => {
        followed.listing?.add(placeOf(object.metadata));
        // Most have no place there, and what is new was never there: not even to be looked up is cheaper for every create.
        if (!isNew || hasPlace(object)) this.#seen(resource, object);
      },
      gone: ({ metadata }) => {
        followed.listed?.delete(placeOf(metadata));
        this.#gone(metadata.uid ?? '');
      },
      listed: () => {
        followed.listed = followed.listing;
        followed.listing = undefined;
        if (this.#ready) this.#review(followed);
      },
    });
    followed.lister = following.lister;
    return following;
  }

  #seen(resource: DiscoveredResource, object: Readonly<KubeObject>): void {
    const known = this.#graph.get(object.metadata.uid ?? '');
    if (known ? concerns(known) === concerns(nodeOf(resource, object)) : !hasPlace(object)) return;
    const node = this.#graph.set(resource, object);
    if (!this.#ready) return;
    if (node) this.#consider(node);
    for (const owner of known?.owners ?? []) this.#wake(owner);
  }

  /** After a list of one kind: what it does not tell of is gone, and so may be owners that had no place in the graph. */
  #review(followed: Followed): void {
    const { resource, listed } = followed;
    for (const node of this.#graph.nodes()) {
      if (node.resource === resource && !listed?.has(placeOf(node))) this.#gone(node.uid);
      else if (node.owners.some(({ apiVersion, kind }) => this.#kind(apiVersion, kind) === followed))
        this.#consider(node);
    }
    followed.listed = undefined;
  }

  /** What is built in was found by the first look, and most changes of a definition are in its status. */
  #wakeFor(definitions: DiscoveredResource): void {
    const isKnown = (kind: string) =>
      [...this.#followed.values()].some(({ resource: r }) => kind === `${r.group}/${r.resource} ${r.version}`);
    this.#context.informers.informer<KindDefinition>(definitions).addHandler({
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
    for (const owner of node?.owners ?? []) this.#wake(owner);
  }

  /** An owner that waits for its dependents may be free once one of them is gone, or changed. */
  #wake({ uid }: Readonly<OwnerReference>): void {
    if (isWaiting(this.#graph.get(uid))) this.#loop.queue.add(uid);
  }

  /** Looks closer at an object only when something about it can need work. */
  #consider(node: GraphNode): void {
    const finalizing =
      node.deleting && (node.finalizers.includes(orphanFinalizer) || node.finalizers.includes(foregroundFinalizer));
    if (finalizing || node.owners.some((owner) => this.#isInDoubt(owner, node))) this.#loop.queue.add(node.uid);
    for (const owner of node.owners) this.#wake(owner);
  }

  /** Whether nobody knows that an owner is where it should be, or it waits, in foreground deletion, for what it owns. */
  #isInDoubt({ apiVersion, kind, name, uid }: Readonly<OwnerReference>, { namespace }: GraphNode): boolean {
    if (isWaiting(this.#graph.get(uid))) return true;
    const followed = this.#kind(apiVersion, kind);
    if (!followed) return true;
    const { resource, lister, listed } = followed;
    const where = resource.namespaced ? namespace : undefined;
    if (lister) return lister.get(name, where)?.metadata.uid !== uid;
    return !listed?.has(placeOf({ namespace: where, uid }));
  }

  #kind(apiVersion: string, kind: string): Followed | undefined {
    const { group } = parseApiVersion(apiVersion);
    for (const followed of this.#followed.values()) {
      if (followed.resource.kind === kind && followed.resource.group === group) return followed;
    }
    return undefined;
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
    const absent = this.#absent.get(owner.uid) ?? this.#absent.get(here);
    if (absent?.isElsewhere) this.#tellOfForeignOwner(node, owner);
    if (absent) return 'absent';
    const followed = this.#kind(owner.apiVersion, owner.kind);
    // A kind that nobody knows now may come back; and a namespaced object cannot own one of the cluster.
    if (!followed || (followed.resource.namespaced && !node.namespace)) return 'present';
    const { resource } = followed;
    const client = this.#context.client.resource<KubeObject>(resource);
    try {
      const namespace = resource.namespaced ? node.namespace : undefined;
      const { metadata } = await client.get(owner.name, namespace);
      if (metadata.uid === owner.uid) {
        const waits = metadata.deletionTimestamp && metadata.finalizers?.includes(foregroundFinalizer);
        return waits ? 'deleting' : 'present';
      }
    } catch (error) {
      // A kind that is served no more answers 404 too, and says nothing of the owner.
      if (!isNotFound(error) || error.status.details?.name !== owner.name) throw error;
    }
    if (!resource.namespaced) return this.#remember(owner.uid);
    const { items } = await client.list({ fieldSelector: `metadata.name=${owner.name}`, metadataOnly: true });
    const isElsewhere = items.some(({ metadata }) => metadata.uid === owner.uid);
    if (isElsewhere) this.#tellOfForeignOwner(node, owner);
    return this.#remember(here, isElsewhere);
  }

  #remember(owner: string, isElsewhere = false): 'absent' {
    this.#absent.set(owner, { isElsewhere });
    dropOldest(this.#absent, absentCacheSize);
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
function concerns({ owners, deleting, finalizers }: GraphNode): string {
  return JSON.stringify([owners, deleting, finalizers]);
}

function isWaiting(node: GraphNode | undefined): boolean {
  return node?.deleting === true && node.finalizers.includes(foregroundFinalizer);
}

/** Who it is and where: an owner is one of its own namespace, or of the cluster. */
function placeOf({
  namespace = '',
  uid = '',
}: {
  readonly namespace?: string | undefined;
  readonly uid?: string;
}): string {
  return `${namespace}/${uid}`;
}

/** One that ends before it has synced is one that nobody waits for any more. */
function ignoreEnd(): void {}
