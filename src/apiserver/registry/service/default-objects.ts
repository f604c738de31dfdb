// The objects that the API server keeps for itself (service-semantics 1.5 and 1.8): the ServiceCIDR `kubernetes`, the
// Service `default/kubernetes` by which pods reach the API, and its Endpoints and EndpointSlice.

import { defaultService } from '../../../api/core/v1/service/defaults.ts';
import type { Endpoints, Service } from '../../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../../api/discovery/v1/types.generated.ts';
import type { ServiceCIDR } from '../../../api/networking/v1/types.generated.ts';
import { deepEqual } from '../../../apimachinery/json/value.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { formatTime } from '../../../apimachinery/time.ts';
import { usableServiceIPs } from '../../../net/allocator.ts';
import { addressAt, type CIDR, formatCIDR } from '../../../net/cidr.ts';
import { familyOf, formatIP } from '../../../net/ip.ts';
import type { KeyValue, Storage } from '../../../storage/storage.ts';
import type { Clock } from '../../../system/clock.ts';
import type { Random } from '../../../system/random.ts';
import { encodeForStorage } from '../../watch-cache/stored-object.ts';
import type { Companions, RegistryHooks } from '../hooks.ts';
import { apiServerPrefix, endpointSlicePrefix, endpointsPrefix, serviceCIDRPrefix, servicePrefix } from './keys.ts';

const period = 10_000;
/** A server that has not renewed its key for so long is gone. */
const lifetime = 3 * period;
const attempts = 20;
const name = 'kubernetes';
const namespace = 'default';

export interface DefaultObjectsOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly cidrs: readonly CIDR[];
  readonly hooks: RegistryHooks<Service>;
  readonly advertise?: { readonly address: string; readonly port: number };
}

interface ServerRecord {
  readonly address: string;
  readonly port: number;
  /** Milliseconds since the epoch, by that server's clock. */
  readonly renewed: number;
}

export class DefaultObjects {
  readonly #options: DefaultObjectsOptions;
  /** By a server's key, the write of it that was last seen, and when (as the clock's `monotonic`). */
  readonly #seen = new Map<string, { readonly modRevision: number; readonly at: number }>();

  constructor(options: DefaultObjectsOptions) {
    this.#options = options;
  }

  /** Looks again every 10 seconds; whatever was changed or removed comes back. A failing store is tried again then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.ensure();
      } catch {
        // The store's own users report its failures; what is missing here is written at the next turn.
      }
      try {
        await this.#options.clock.sleep(period, signal);
      } catch {
        break;
      }
    }
    await this.#withdraw();
  }

  async ensure(): Promise<void> {
    await this.#ensureServiceCIDR();
    await this.#ensureService();
    const { advertise } = this.#options;
    if (!advertise) return;
    const servers = await this.#servers(advertise);
    await this.#ensureEndpoints(servers);
    await this.#ensureEndpointSlice(servers);
  }

  async #ensureServiceCIDR(): Promise<void> {
    const { cidrs, clock } = this.#options;
    const texts = cidrs.map(formatCIDR);
    await this.#ensureObject<ServiceCIDR>(`${serviceCIDRPrefix}${name}`, (old) => {
      // A second family may join; otherwise the object is its owner's.
      if (old) {
        const grows = old.spec.cidrs?.length === 1 && texts.length === 2 && old.spec.cidrs[0] === texts[0];
        return grows ? { ...old, spec: { cidrs: texts } } : old;
      }
      return {
        kind: 'ServiceCIDR',
        apiVersion: 'networking.k8s.io/v1',
        metadata: { name },
        spec: { cidrs: texts },
        status: {
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              lastTransitionTime: formatTime(clock.now()),
              reason: '',
              message: 'Kubernetes Service CIDR is ready',
            },
          ],
        },
      };
    });
  }

  async #ensureService(): Promise<void> {
    const { cidrs, advertise, hooks } = this.#options;
    const [first] = cidrs;
    if (!first) return;
    const clusterIP = formatIP(addressAt(first, usableServiceIPs(first).first));
    const ports = [{ name: 'https', port: 443, protocol: 'TCP', targetPort: advertise?.port ?? 6443 }];
    for (let attempt = 0; attempt < attempts; attempt++) {
      const key = `${servicePrefix}${namespace}/${name}`;
      const { item } = await this.#options.storage.get(key);
      if (item) {
        const old = JSON.parse(item.value) as Service;
        if (deepEqual(old.spec.ports, ports) && old.spec.type === 'ClusterIP') return;
        const renewed: Service = { ...old, spec: { ...old.spec, ports, type: 'ClusterIP' } };
        if (await this.#put(key, renewed, item.modRevision)) return;
        continue;
      }
      const service: Service = {
        kind: 'Service',
        apiVersion: 'v1',
        metadata: { name, namespace, labels: { component: 'apiserver', provider: name } },
        spec: { clusterIP, ipFamilyPolicy: 'SingleStack', ports, sessionAffinity: 'None', type: 'ClusterIP' },
        status: { loadBalancer: {} },
      };
      // The same road as a client's: defaults, then allocation.
      defaultService(service);
      const companions = await hooks.beginCreate?.(service, { dryRun: false });
      if (await this.#put(key, service, 0, companions)) return;
    }
  }

  /** Renews this server's key, and gives all servers that are there, by address. */
  async #servers({ address, port }: { readonly address: string; readonly port: number }): Promise<ServerRecord[]> {
    const { storage, clock } = this.#options;
    const value = JSON.stringify({ address, port, renewed: clock.now() } satisfies ServerRecord);
    await storage.transact({
      compare: [],
      operations: [{ type: 'put', key: `${apiServerPrefix}${address}:${port}`, value }],
    });
    const { items } = await storage.range({ prefix: apiServerPrefix });
    const servers = items.map((item) => ({ item, record: JSON.parse(item.value) as ServerRecord }));
    const gone = servers.filter(({ item, record }) => this.#silence(item, record) > lifetime);
    if (gone.length > 0) {
      await storage.transact({ compare: [], operations: gone.map(({ item: { key } }) => ({ type: 'delete', key })) });
    }
    return servers.filter((server) => !gone.includes(server)).map(({ record }) => record);
  }

  /** Milliseconds since a server renewed its key. Clocks of servers differ: what it says of that counts at first sight only. */
  #silence({ key, modRevision }: KeyValue, { renewed }: ServerRecord): number {
    const { clock } = this.#options;
    const seen = this.#seen.get(key);
    const now = clock.monotonic();
    if (seen?.modRevision === modRevision) return now - seen.at;
    const silence = seen ? 0 : Math.max(0, clock.now() - renewed);
    this.#seen.set(key, { modRevision, at: now - silence });
    return silence;
  }

  /** Leaves the endpoints to the servers that stay; the last one's stay too, as upstream's do. */
  async #withdraw(): Promise<void> {
    const { advertise, storage } = this.#options;
    if (!advertise) return;
    const key = `${apiServerPrefix}${advertise.address}:${advertise.port}`;
    await storage.transact({ compare: [], operations: [{ type: 'delete', key }] }).catch(() => undefined);
  }

  async #ensureEndpoints(servers: readonly ServerRecord[]): Promise<void> {
    const port = this.#options.advertise!.port;
    const addresses = [...new Set(servers.map(({ address }) => address))].sort().map((ip) => ({ ip }));
    const subsets = [{ addresses, ports: [{ name: 'https', port, protocol: 'TCP' }] }];
    await this.#ensureObject<Endpoints>(`${endpointsPrefix}${namespace}/${name}`, (old) => ({
      ...(old ?? { kind: 'Endpoints', apiVersion: 'v1', metadata: { name, namespace } }),
      metadata: withLabel(old, { name, namespace }, 'endpointslice.kubernetes.io/skip-mirror', 'true'),
      subsets,
    }));
  }

  async #ensureEndpointSlice(servers: readonly ServerRecord[]): Promise<void> {
    const { address, port } = this.#options.advertise!;
    const addressType = familyOf(address) ?? 'IPv4';
    const addresses = [...new Set(servers.map((server) => server.address))]
      .filter((other) => familyOf(other) === addressType)
      .sort();
    const key = `${endpointSlicePrefix}${namespace}/${name}`;
    await this.#ensureObject<EndpointSlice>(key, (old) => ({
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: withLabel(old, { name, namespace, generation: 1 }, serviceNameLabel, name),
      addressType,
      endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    }));
  }

  /** Writes what `make` gives for the present object, unless it is the same. */
  async #ensureObject<T extends KubeObject>(key: string, make: (old: T | undefined) => T): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const { item } = await this.#options.storage.get(key);
      const old = item && (JSON.parse(item.value) as T);
      const object = make(old);
      if (old && deepEqual(object, old)) return;
      if (await this.#put(key, object, item?.modRevision ?? 0)) return;
    }
  }

  /** False: another write came between. */
  async #put(key: string, object: KubeObject, modRevision: number, companions?: Companions): Promise<boolean> {
    const { storage, clock, random } = this.#options;
    object.metadata.uid ??= random.uuid();
    object.metadata.creationTimestamp ??= formatTime(clock.now());
    const { succeeded } = await storage.transact({
      compare: [{ key, modRevision }, ...(companions?.compare ?? [])],
      operations: [{ type: 'put', key, value: encodeForStorage(object) }, ...(companions?.operations ?? [])],
    });
    return succeeded;
  }
}

function withLabel(
  old: KubeObject | undefined,
  metadata: KubeObject['metadata'],
  key: string,
  value: string,
): KubeObject['metadata'] {
  const kept = old?.metadata ?? metadata;
  return { ...kept, labels: { ...kept.labels, [key]: value } };
}
