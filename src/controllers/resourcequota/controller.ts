// Keeps the status of ResourceQuotas (upstream pkg/controller/resourcequota). The API server charges what is made; this
// counts anew what was there before, what has gone and what costs less now.
//
// Counting is exact though others write meanwhile: objects are listed after the quota was read, and each charge changes
// the quota, so that the write of a count that misses one is a conflict.
import type { ResourceQuota } from '../../api/core/v1/types.generated.ts';
import {
  type GroupResource,
  type GroupVersionResource,
  type KubeObject,
  objectKey,
  printResource,
} from '../../apimachinery/object.ts';
import { isNotFound } from '../../apimachinery/status.ts';
import { discoverResources } from '../../client/discovery.ts';
import { resourceQuotas } from '../../client/resources.ts';
import type { Informer } from '../../client/types.ts';
import {
  type Controller,
  type ControllerContext,
  type ControllerFactory,
  KeyedController,
  type SyncResult,
} from '../controller.ts';
import { changesUsage, countedResources, isUncounted, quotaStatus } from './reconcile.ts';

/** Everything is counted anew this often, in milliseconds; what is not served yet is looked for again sooner. */
const resyncPeriod = 300_000;
const discoveryPeriod = 30_000;
const pageSize = 500;
/** Milliseconds that a watch has to begin; one that does not (an object somewhere that cannot be converted) is not waited for. */
const patience = 10_000;

export const resourceQuotaController: ControllerFactory = (context) => new ResourceQuotaController(context);

interface Watched {
  readonly versioned: GroupVersionResource;
  readonly informer: Informer<KubeObject>;
  /** When that began (milliseconds, as the clock's `monotonic`). */
  readonly since: number;
}

class ResourceQuotaController implements Controller {
  readonly #context: ControllerContext;
  readonly #loop: KeyedController;
  /** How each counted resource is watched. */
  readonly #watched = new Map<string, Watched>();

  constructor(context: ControllerContext) {
    this.#context = context;
    const informer = context.informers.informer<ResourceQuota>(resourceQuotas);
    const sync = (key: string, signal: AbortSignal) => this.#sync(key, signal);
    this.#loop = new KeyedController({ name: 'resourcequota-controller', context, waitFor: [informer], sync });
    informer.addHandler({
      added: (quota) => this.#loop.queue.add(objectKey(quota)),
      updated: (quota) => isUncounted(quota) && this.#loop.queue.add(objectKey(quota)),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal);
  }

  async #sync(key: string, signal: AbortSignal): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const client = this.#context.client.resource<ResourceQuota>(resourceQuotas);
    const quota = await client.get(name, namespace).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (!quota) return undefined;
    const objects = new Map<string, readonly KubeObject[]>();
    const failures: unknown[] = [];
    let isWatched = true;
    for (const resource of countedResources(quota)) {
      try {
        const listed = await this.#listWatched(resource, { namespace, signal });
        if (listed) objects.set(printResource(resource), listed.objects);
        isWatched &&= listed?.isWatched ?? false;
      } catch (error) {
        // What others use is counted all the same.
        failures.push(error);
      }
    }
    const status = quotaStatus({ quota, objects, now: this.#context.clock.now() });
    if (status) await client.update({ ...quota, status }, { subresource: 'status' });
    if (failures.length > 0) throw failures[0];
    return { requeueAfter: isWatched ? resyncPeriod : discoveryPeriod };
  }

  async #list(resource: GroupVersionResource, namespace: string): Promise<KubeObject[]> {
    const client = this.#context.client.resource<KubeObject>(resource);
    const all: KubeObject[] = [];
    let position: string | undefined;
    do {
      const { items, metadata } = await client.list({
        namespace,
        limit: pageSize,
        ...(position && { continue: position }),
      });
      all.push(...items);
      position = metadata.continue;
    } while (position);
    return all;
  }

  /** Undefined while it is not served. Not watched: what goes or shrinks is not told. */
  async #listWatched(
    resource: GroupResource,
    { namespace, signal }: { readonly namespace: string; readonly signal: AbortSignal },
  ): Promise<{ readonly objects: readonly KubeObject[]; readonly isWatched: boolean } | undefined> {
    const versioned = this.#watched.get(printResource(resource))?.versioned ?? (await this.#find(resource));
    if (!versioned) return undefined;
    try {
      // What is not served is never synced.
      await this.#context.client.resource<KubeObject>(versioned).list({ namespace, limit: 1 });
      // What goes after this is told; what went before is not in the list that follows.
      const isWatched = await this.#begun(this.#watch(resource, versioned), signal);
      return { objects: await this.#list(versioned, namespace), isWatched };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Served no more, or in another version.
      this.#watched.delete(printResource(resource));
      return undefined;
    }
  }

  async #begun({ informer, since }: Watched, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#context;
    const left = since + patience - clock.monotonic();
    if (!informer.hasSynced && left > 0) {
      const over = new AbortController();
      const until = AbortSignal.any([signal, over.signal]);
      await Promise.race([informer.synced(until), clock.sleep(left, until)]).finally(() => over.abort());
    }
    return informer.hasSynced;
  }

  /** Watches a resource from when a quota first counts it. */
  #watch(resource: GroupResource, versioned: GroupVersionResource): Watched {
    const { clock, informers } = this.#context;
    const informer = informers.informer<KubeObject>(versioned);
    const known = this.#watched.get(printResource(resource));
    if (known?.informer === informer) return known;
    const watched = { versioned, informer, since: clock.monotonic() };
    this.#watched.set(printResource(resource), watched);
    informer.addHandler({
      updated: (object, old) => {
        if (changesUsage(resource, { object, old, now: clock.now() })) this.#recount(object);
      },
      deleted: (object) => this.#recount(object),
    });
    return watched;
  }

  async #find(resource: GroupResource): Promise<GroupVersionResource | undefined> {
    if (resource.group === '') return { ...resource, version: 'v1' };
    const { resources } = await discoverResources(this.#context.client);
    const found = resources.find((one) => printResource(one) === printResource(resource) && one.namespaced);
    return found && { group: found.group, version: found.version, resource: found.resource };
  }

  #recount({ metadata }: Readonly<KubeObject>): void {
    const quotas = this.#context.informers.informer<ResourceQuota>(resourceQuotas);
    for (const quota of quotas.lister.list(metadata.namespace)) this.#loop.queue.add(objectKey(quota));
  }
}
