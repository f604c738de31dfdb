// What one request takes and gives back, gathered for its transaction.
import type { Service } from '../../../api/core/v1/types.generated.ts';
import { validateIPAddress } from '../../../api/networking/v1/ipaddress/validation.ts';
import type { IPAddress } from '../../../api/networking/v1/types.generated.ts';
import { internalError, invalid } from '../../../apimachinery/status.ts';
import { formatTime } from '../../../apimachinery/time.ts';
import { fieldError } from '../../../apimachinery/validation/field-error.ts';
import { type CanonicalIP, canonicalIP, familyOf, type IPFamily, parseIPSloppy } from '../../../net/ip.ts';
import type { Compare, KeyValue, Operation, Storage } from '../../../storage/storage.ts';
import type { Clock } from '../../../system/clock.ts';
import type { Random } from '../../../system/random.ts';
import { encodeForStorage } from '../../watch-cache/stored-object.ts';
import type { Companions } from '../hooks.ts';
import type { AllocationView, PortRange } from './allocation-view.ts';
import { ipAddressKey, type NodePortRecord, nodePortKey } from './keys.ts';

const serviceKind = { group: '', kind: 'Service' };

export interface ClaimsOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly view: AllocationView;
  readonly nodePorts: PortRange;
  readonly service: Service;
  readonly dryRun: boolean;
}

export class Claims implements Companions {
  readonly compare: Compare[] = [];
  readonly operations: Operation[] = [];
  readonly #options: ClaimsOptions;
  readonly #ports = new Set<number>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  get #name(): string {
    return this.#options.service.metadata.name ?? '';
  }

  /** A free address of the family. Throws 500 where the ranges are full, 422 where there is none to choose from. */
  takeAnyIP(family: IPFamily): string {
    const { view, dryRun } = this.#options;
    const dealt = dryRun ? view.placeholderIP(family) : view.dealIP(family);
    if (dealt === 'full') {
      throw internalError(`failed to allocate a serviceIP for Service ${JSON.stringify(this.#name)}: range is full`);
    }
    if (dealt === 'not ready') throw this.#refuseIPs('failed to allocate IP: allocator not ready');
    // Whether it is still free is for the transaction to say.
    if (!dryRun) this.#putIPAddress(dealt, 'failed to allocate IP');
    return dealt;
  }

  /** Others were quicker, and the view has not heard of it yet. */
  refused(current: readonly (KeyValue | undefined)[]): void {
    for (const [i, { key, modRevision }] of this.compare.entries()) {
      if (modRevision === 0 && current[i]) this.#options.view.noteTaken(key);
    }
  }

  /** This very address. Throws 422 where it is taken or of no range. */
  async takeIP(text: string): Promise<void> {
    const { view, storage, dryRun } = this.#options;
    const ip = parseIPSloppy(text)?.ip;
    const canonical = canonicalIP(text);
    const failed = `failed to allocate IP ${text}`;
    if (!ip || !canonical || !view.isServiceIP(ip)) {
      throw this.#refuseIPs(`${failed}: the provided network does not match the current range`);
    }
    if (dryRun) return;
    const { item } = await storage.get(ipAddressKey(canonical));
    if (item) throw this.#refuseIPs(`${failed}: provided IP is already allocated`);
    this.#putIPAddress(canonical, failed);
  }

  #refuseIPs(why: string): Error {
    const ips = this.#options.service.spec.clusterIPs ?? [];
    return invalid(serviceKind, this.#name, [fieldError.invalid('spec.clusterIPs', ips, why)]);
  }

  #putIPAddress(ip: CanonicalIP, failed: string): void {
    const { clock, random, service } = this.#options;
    const address = ipAddressOf(service, ip);
    const errors = validateIPAddress(address);
    if (errors.length > 0) {
      const kind = { group: 'networking.k8s.io', kind: 'IPAddress' };
      throw this.#refuseIPs(`${failed}: ${invalid(kind, ip, errors).message}`);
    }
    address.metadata.uid = random.uuid();
    address.metadata.creationTimestamp = formatTime(clock.now());
    this.#create(ipAddressKey(ip), encodeForStorage(address));
  }

  #create(key: string, value: string): void {
    this.compare.push({ key, modRevision: 0 });
    this.operations.push({ type: 'put', key, value });
  }

  /** Gives an address back, if it is this Service's. */
  async releaseIP(text: string): Promise<void> {
    const ip = canonicalIP(text);
    if (!ip) return;
    const { item } = await this.#options.storage.get(ipAddressKey(ip));
    if (!item) return;
    const { parentRef } = (JSON.parse(item.value) as IPAddress).spec;
    if (parentRef.resource === 'services') this.#release(item, parentRef);
  }

  async releaseNodePort(port: number): Promise<void> {
    const { item } = await this.#options.storage.get(nodePortKey(port));
    if (item) this.#release(item, JSON.parse(item.value) as NodePortRecord);
  }

  #release({ key, modRevision }: KeyValue, owner: { readonly namespace?: string; readonly name: string }): void {
    const { metadata } = this.#options.service;
    if (this.#options.dryRun || owner.namespace !== metadata.namespace || owner.name !== metadata.name) return;
    this.compare.push({ key, modRevision });
    this.operations.push({ type: 'delete', key });
  }

  /** Why this very port cannot be taken; undefined: it is taken now. */
  async takeNodePort(port: number): Promise<string | undefined> {
    const { nodePorts, storage, dryRun } = this.#options;
    const { first, last } = nodePorts;
    if (port < first || port > last) {
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    }
    if (this.#ports.has(port)) return 'provided port is already allocated';
    const { item } = await storage.get(nodePortKey(port));
    if (item) return 'provided port is already allocated';
    if (!dryRun) this.#putNodePort(port);
    else this.#ports.add(port);
    return undefined;
  }

  /** Throws 500 where all ports are taken. `what` as in "failed to allocate a …". */
  takeAnyNodePort(what: string): number {
    const { view, dryRun } = this.#options;
    const port = view.dealNodePort(this.#ports);
    if (port === undefined) throw internalError(`failed to allocate a ${what}: range is full`);
    if (dryRun) this.#ports.add(port);
    else this.#putNodePort(port);
    return port;
  }

  #putNodePort(port: number): void {
    const { namespace = '', name = '' } = this.#options.service.metadata;
    const record: NodePortRecord = { namespace, name };
    this.#ports.add(port);
    this.#create(nodePortKey(port), JSON.stringify(record));
  }

  /** Removes an object that goes with the Service. */
  async remove(key: string): Promise<void> {
    if (this.#options.dryRun) return;
    const { item } = await this.#options.storage.get(key);
    if (item) this.operations.push({ type: 'delete', key });
  }
}

/** The object that an allocated address is. */
export function ipAddressOf({ metadata }: Service, ip: CanonicalIP): IPAddress {
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name: ip,
      labels: {
        'ipaddress.kubernetes.io/ip-family': familyOf(ip)!,
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: {
      parentRef: { group: '', resource: 'services', namespace: metadata.namespace ?? '', name: metadata.name ?? '' },
    },
  };
}
