// Compares Services with their allocations now and then, mends what differs and says so in events.
import type { Event, Service } from '../../../api/core/v1/types.generated.ts';
import type { IPAddress } from '../../../api/networking/v1/types.generated.ts';
import { formatTime } from '../../../apimachinery/time.ts';
import { parseIP } from '../../../net/ip.ts';
import type { Compare, KeyValue, Operation, Storage } from '../../../storage/storage.ts';
import type { Clock } from '../../../system/clock.ts';
import type { Random } from '../../../system/random.ts';
import { encodeForStorage } from '../../watch-cache/stored-object.ts';
import type { AllocationView, PortRange } from './allocation-view.ts';
import { ipAddressOf } from './claims.ts';
import {
  eventPrefix,
  ipAddressKey,
  ipAddressPrefix,
  type NodePortRecord,
  nodePortKey,
  nodePortPrefix,
  servicePrefix,
} from './keys.ts';
import { type Complaint, planRepair } from './repair-plan.ts';

const period = 180_000;
/** After an address was deleted by hand, in milliseconds: its deletion is written by then. */
const wakeDelay = 200;
/** Read in pieces, so that a large cluster does not hold up requests. */
const pageSize = 500;
/** A port that no Service has is given back after so many passes. */
const leakedPasses = 3;
/** What a transaction may hold. */
const eventsAtOnce = 100;

export interface RepairOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly view: AllocationView;
  readonly nodePorts: PortRange;
}

export class Repair {
  readonly #options: RepairOptions;
  readonly #leaked = new Map<number, number>();
  #wake = new AbortController();
  /** What was complained of in the last pass: told once, not every three minutes. */
  #told: ReadonlySet<string> = new Set();

  constructor(options: RepairOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      // The store's own users report its failures; the next pass sees again what this one missed.
      await this.pass().catch(() => undefined);
      await clock.sleep(period, AbortSignal.any([signal, this.#wake.signal])).catch(() => undefined);
      if (!this.#wake.signal.aborted) continue;
      this.#wake = new AbortController();
      await clock.sleep(wakeDelay, signal).catch(() => undefined);
    }
  }

  /** Somebody deleted an address, which may be a Service's: the next pass is soon. */
  wake(): void {
    this.#wake.abort();
  }

  /** One comparison of everything, at one revision. */
  async pass(): Promise<void> {
    const { storage, clock, view, nodePorts } = this.#options;
    await view.load();
    const revision = await storage.currentRevision();
    const services = await this.#read<Service>(servicePrefix, revision);
    const addresses = await this.#read<IPAddress>(ipAddressPrefix, revision);
    const ports = await this.#read<NodePortRecord>(nodePortPrefix, revision);
    const plan = planRepair({
      services: services.map(({ value }) => value),
      addresses: addresses.map(({ value }) => value),
      ports: new Map(ports.map(({ item, value }) => [Number(item.key.slice(nodePortPrefix.length)), value])),
      isServiceIP: (text) => {
        const ip = parseIP(text);
        return ip !== undefined && view.isConfigured(ip);
      },
      nodePorts,
      now: clock.now(),
    });
    const at = new Map([...services, ...addresses, ...ports].map(({ item }) => [item.key, item.modRevision]));
    for (const { ip, service } of plan.recordIPs) {
      const address = this.#complete(ipAddressOf(service, ip));
      await this.#write(at, { type: 'put', key: ipAddressKey(ip), value: encodeForStorage(address) }, service);
    }
    for (const name of plan.dropIPs) await this.#write(at, { type: 'delete', key: ipAddressPrefix + name });
    for (const { port, service } of plan.recordPorts) {
      const { namespace = '', name } = service.metadata;
      const value = JSON.stringify({ namespace, name } satisfies NodePortRecord);
      await this.#write(at, { type: 'put', key: nodePortKey(port), value }, service);
    }
    await this.#releaseLeaked(plan.leakedPorts, at);
    await this.#tell(plan.complaints);
  }

  async #read<T>(prefix: string, revision: number): Promise<{ readonly item: KeyValue; readonly value: T }[]> {
    const all: { item: KeyValue; value: T }[] = [];
    let after: string | undefined;
    for (;;) {
      const { items } = await this.#options.storage.range({
        prefix,
        revision,
        limit: pageSize,
        ...(after !== undefined && { after }),
      });
      for (const item of items) all.push({ item, value: JSON.parse(item.value) as T });
      if (items.length < pageSize) return all;
      after = items.at(-1)!.key;
      // Requests that wait are served between two pages.
      await this.#options.clock.sleep(0);
    }
  }

  /** Nothing happens where the key, or the Service that it is for, was written since it was read. */
  async #write(at: ReadonlyMap<string, number>, operation: Operation, service?: Service): Promise<void> {
    const compare: Compare[] = [{ key: operation.key, modRevision: at.get(operation.key) ?? 0 }];
    if (service) {
      const key = `${servicePrefix}${service.metadata.namespace}/${service.metadata.name}`;
      compare.push({ key, modRevision: at.get(key) ?? 0 });
    }
    await this.#options.storage.transact({ compare, operations: [operation] });
  }

  async #releaseLeaked(ports: readonly number[], at: ReadonlyMap<string, number>): Promise<void> {
    const now = new Set(ports);
    for (const port of this.#leaked.keys()) if (!now.has(port)) this.#leaked.delete(port);
    for (const port of ports) {
      const seen = (this.#leaked.get(port) ?? 0) + 1;
      this.#leaked.set(port, seen);
      if (seen >= leakedPasses) await this.#write(at, { type: 'delete', key: nodePortKey(port) });
    }
  }

  async #tell(complaints: readonly Complaint[]): Promise<void> {
    const keyOf = ({ about, reason, message }: Complaint): string => `${about.uid}/${reason}/${message}`;
    const fresh = complaints.filter((complaint) => !this.#told.has(keyOf(complaint)));
    this.#told = new Set(complaints.map(keyOf));
    if (fresh.length === 0) return;
    const operations = fresh.map((complaint): Operation => {
      const event = this.#complete(this.#eventOf(complaint));
      const key = `${eventPrefix}${event.metadata.namespace}/${event.metadata.name}`;
      return { type: 'put', key, value: encodeForStorage(event) };
    });
    for (let start = 0; start < operations.length; start += eventsAtOnce) {
      const some = operations.slice(start, start + eventsAtOnce);
      await this.#options.storage.transact({ compare: [], operations: some });
    }
  }

  #eventOf({ about, reason, message }: Complaint): Event {
    const { clock, random } = this.#options;
    const now = formatTime(clock.now());
    const suffix = Buffer.from(random.bytes(8)).toString('hex');
    return {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: { name: `${about.name}.${suffix}`, namespace: about.namespace ?? 'default' },
      involvedObject: about,
      reason,
      message,
      type: 'Warning',
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: {
        component: reason.startsWith('Port') ? 'portallocator-repair-controller' : 'ipallocator-repair-controller',
      },
      reportingComponent: '',
      reportingInstance: '',
    };
  }

  #complete<T extends { metadata: { uid?: string; creationTimestamp?: string } }>(object: T): T {
    object.metadata.uid = this.#options.random.uuid();
    object.metadata.creationTimestamp = formatTime(this.#options.clock.now());
    return object;
  }
}
