// Load balancers of Services (upstream's service controller, cloud-provider): addresses, finalizer, status and events.
import { hasLoadBalancerFinalizer, ingressIPs } from '../../api/core/v1/service/load-balancer.ts';
import type { LoadBalancerIngress, Node, Service } from '../../api/core/v1/types.generated.ts';
import { type LoadBalancerPool, loadBalancerPools } from '../../api/portico/v1/load-balancer-pool.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound, isConflict, isNotFound } from '../../apimachinery/status.ts';
import type { EventText } from '../../client/events.ts';
import { nodes, services } from '../../client/resources.ts';
import type { Informer, ResourceClient } from '../../client/types.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  recorderOf,
  type SyncResult,
} from '../controller.ts';
import { installPools } from './install-pools.ts';
import { poolStatus } from './pool-status.ts';
import { PoolProvider } from './provider.ts';
import {
  changeEvent,
  hostsOf,
  needsUpdate,
  sameIngress,
  wishOf,
  withFinalizer,
  withoutFinalizer,
} from './reconcile.ts';

/** Upstream: a failed Service is tried again after 5 s, doubling, at most 300 s. */
const baseDelay = 5000;
const maxDelay = 300_000;
/** Pools are counted when changes have settled for so many milliseconds. */
const countDelay = 200;
const conflictDelay = 100;

export function serviceLBController(context: ControllerContext): Controller {
  return {
    async run(signal) {
      // Pools are a custom resource: nobody can watch them before they are served.
      if (await installPools(context, signal)) await new ServiceLoadBalancers(context).run(signal);
    },
  };
}

class ServiceLoadBalancers {
  readonly #context: ControllerContext;
  readonly #services: Informer<Service>;
  readonly #nodes: Informer<Node>;
  readonly #pools: Informer<LoadBalancerPool>;
  readonly #serviceClient: ResourceClient<Service>;
  readonly #poolClient: ResourceClient<LoadBalancerPool>;
  readonly #provider: PoolProvider;
  readonly #tell: (service: Readonly<Service>, event: EventText) => void;
  readonly #syncing: KeyedController;
  readonly #counting: KeyedController;
  /** Services whose change must be told of even where nothing is to be done. */
  readonly #changed = new Set<string>();
  #hosts: readonly string[] | undefined;

  constructor(context: ControllerContext) {
    const { client, informers } = context;
    this.#context = context;
    this.#services = informers.informer<Service>(services);
    this.#nodes = informers.informer<Node>(nodes);
    this.#pools = informers.informer<LoadBalancerPool>(loadBalancerPools);
    this.#serviceClient = client.resource<Service>(services);
    this.#poolClient = client.resource<LoadBalancerPool>(loadBalancerPools);
    this.#provider = new PoolProvider(() => this.#pools.lister.list());
    const recorder = recorderOf(context, 'service-controller');
    this.#tell = (service, event) => recorder.event(service, event);
    const waitFor = [this.#services, this.#nodes, this.#pools];
    const name = 'service-lb-controller';
    // One worker: two Services must not be given the same address.
    this.#syncing = new KeyedController({
      name,
      context,
      waitFor,
      workers: 1,
      baseDelay,
      maxDelay,
      sync: (key, signal) => this.#sync(key, signal),
    });
    this.#counting = new KeyedController({ name, context, waitFor, workers: 1, sync: (pool) => this.#count(pool) });
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#follow();
    await Promise.all([this.#syncing.run(signal), this.#counting.run(signal)]);
  }

  #follow(): void {
    const { queue } = this.#syncing;
    this.#services.addHandler({
      added: (service) => {
        this.#provider.book.claim(objectKey(service), ingressIPs(service));
        if (wishOf(service) !== 'nothing') queue.add(objectKey(service));
      },
      updated: (service, old) => {
        const key = objectKey(service);
        this.#provider.book.claim(key, ingressIPs(service));
        if (!needsUpdate(old, service)) return;
        const event = this.#provider.isPresent ? changeEvent(old, service) : undefined;
        if (event) this.#tell(service, event);
        this.#changed.add(key);
        queue.add(key);
      },
      deleted: (service) => {
        this.#letGo(service);
        this.#countAll();
      },
    });
    onEveryChange(this.#nodes, () => this.#syncHosts());
    this.#nodes.addHandler({ synced: () => this.#syncHosts() });
    this.#pools.addHandler({
      added: (pool) => this.#poolChanged(pool),
      updated: (pool, old) => {
        if (!jsonEqual(pool.spec, old.spec)) this.#poolChanged(pool);
      },
      deleted: () => this.#countAll(),
    });
  }

  #poolChanged(pool: Readonly<LoadBalancerPool>): void {
    this.#counting.queue.add(pool.metadata.name);
    this.#wakeWaiting();
  }

  #letGo(service: Readonly<Service>): void {
    this.#changed.delete(objectKey(service));
    if (this.#provider.release(service)) this.#wakeWaiting();
  }

  /** Those that had to wait for addresses may get some. */
  #wakeWaiting(): void {
    for (const service of this.#services.lister.list()) {
      if (wishOf(service) === 'ensure' && ingressIPs(service).length === 0) this.#syncing.queue.add(objectKey(service));
    }
  }

  /** Load balancers of ours need no list of nodes; it is told of as users know it from others. */
  #syncHosts(): void {
    if (!this.#nodes.hasSynced) return;
    const hosts = hostsOf(this.#nodes.lister.list());
    const before = this.#hosts;
    this.#hosts = hosts;
    if (before === undefined || jsonEqual(before, hosts)) return;
    for (const service of this.#services.lister.list()) {
      if (wishOf(service) === 'ensure' && hasLoadBalancerFinalizer(service)) this.#tell(service, hostsEvent(hosts));
    }
  }

  async #sync(key: string, signal: AbortSignal): Promise<SyncResult | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const service = this.#services.lister.get(name, namespace);
    const wish = service ? wishOf(service) : 'nothing';
    if (!service || wish === 'nothing') return undefined;
    try {
      await (wish === 'cleanup' ? this.#cleanUp(service) : this.#ensure(service));
    } catch (error) {
      // It went in between, and its load balancer with it.
      if (isNotFound(error)) return undefined;
      // The cache was behind; the next look sees what has changed.
      if (isConflict(error)) return { requeueAfter: conflictDelay };
      if (!signal.aborted) this.#tell(service, failure('SyncLoadBalancerFailed', 'Error syncing load balancer', error));
      throw error;
    }
    this.#countAll();
    return undefined;
  }

  async #cleanUp(service: Readonly<Service>): Promise<void> {
    if (this.#provider.has(service)) this.#tell(service, normal('DeletingLoadBalancer', 'Deleting load balancer'));
    await this.#patch(service, { metadata: { finalizers: withoutFinalizer(service) }, status: { loadBalancer: null } });
    this.#letGo(service);
    this.#tell(service, normal('DeletedLoadBalancer', 'Deleted load balancer'));
  }

  async #ensure(service: Readonly<Service>): Promise<void> {
    const key = objectKey(service);
    if (!this.#provider.isPresent && !hasLoadBalancerFinalizer(service)) return;
    const before = this.#provider.ensure(service);
    const isDone =
      before.kind === 'ensured' && hasLoadBalancerFinalizer(service) && sameIngress(service, before.ingress);
    if (isDone && !this.#changed.has(key)) return;
    this.#tell(service, normal('EnsuringLoadBalancer', 'Ensuring load balancer'));
    let current = service;
    if (!hasLoadBalancerFinalizer(service)) {
      current = await this.#patch(service, { metadata: { finalizers: withFinalizer(service) } });
    }
    if (hostsOf(this.#nodes.lister.list()).length === 0) this.#tell(service, hostsEvent([]));
    if (before.kind === 'failed') throw new Error(`failed to ensure load balancer: ${before.message}`);
    this.#tell(service, normal('EnsuredLoadBalancer', 'Ensured load balancer'));
    if (!sameIngress(current, before.ingress)) await this.#setIngress(current, before.ingress);
    this.#changed.delete(key);
  }

  async #setIngress(service: Readonly<Service>, ingress: readonly LoadBalancerIngress[]): Promise<void> {
    await this.#patch(service, { status: { loadBalancer: { ingress } } });
  }

  #patch({ metadata }: Readonly<Service>, change: { metadata?: object; status?: object }): Promise<Service> {
    const { name, namespace = '', uid } = metadata;
    // The resourceVersion guards the list of finalizers, which is written as a whole.
    const guard = change.metadata && { resourceVersion: metadata.resourceVersion, ...change.metadata };
    const body = { ...change, metadata: { uid, ...guard } };
    return this.#serviceClient.patch({ name, namespace, type: 'merge', body }, { subresource: 'status' });
  }

  #countAll(): void {
    for (const { metadata } of this.#pools.lister.list()) this.#counting.queue.addAfter(metadata.name, countDelay);
  }

  async #count(name: string): Promise<undefined> {
    const pool = this.#pools.lister.get(name);
    if (!pool) return;
    const status = poolStatus(pool, this.#provider.book.all, this.#context.clock.now());
    if (jsonEqual(pool.status ?? {}, status)) return;
    await this.#poolClient
      .patch({ name, type: 'merge', body: { status } }, { subresource: 'status' })
      .catch(ignoreNotFound);
  }
}

const normal = (reason: string, message: string): EventText => ({ type: 'Normal', reason, message });

function hostsEvent(hosts: readonly string[]): EventText {
  if (hosts.length > 0) return normal('UpdatedLoadBalancer', 'Updated load balancer with new hosts');
  return {
    type: 'Warning',
    reason: 'UnAvailableLoadBalancer',
    message: 'There are no available nodes for LoadBalancer',
  };
}

function failure(reason: string, what: string, error: unknown): EventText {
  return { type: 'Warning', reason, message: `${what}: ${errorMessage(error)}` };
}
