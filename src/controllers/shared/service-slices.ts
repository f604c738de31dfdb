// The EndpointSlices that one controller manages, by the key of their Service.
import { managedByLabel, serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { endpointSlices } from '../../client/resources.ts';
import type { Client, Informer } from '../../client/types.ts';
import { isNamespaceTerminating } from './pod-control.ts';
import type { SliceMetrics } from './slice-metrics.ts';
import type { WriteTracker } from './write-tracker.ts';

export class ServiceSlices {
  readonly #managedBy: string;
  readonly #byService = new Map<string, Map<string, Readonly<EndpointSlice>>>();
  /** The Service of each slice, as it was last seen. */
  readonly #services = new Map<string, string>();

  /** `managedBy` is the value of the label `endpointslice.kubernetes.io/managed-by`. */
  constructor(managedBy: string) {
    this.#managedBy = managedBy;
  }

  /** Follows the slices of an informer; `changed` is told the key of each Service one of whose slices came, changed or went. */
  follow(informer: Informer<EndpointSlice>, changed: (service: string) => void): void {
    const note = (slice: Readonly<EndpointSlice>) => this.#note(slice, changed);
    informer.addHandler({ added: note, updated: note, deleted: (slice) => this.#forget(objectKey(slice), changed) });
  }

  /** The slices of a Service, `namespace/name`, in no order. */
  of(service: string): Readonly<EndpointSlice>[] {
    return [...(this.#byService.get(service)?.values() ?? [])];
  }

  #note(slice: Readonly<EndpointSlice>, changed: (service: string) => void): void {
    const key = objectKey(slice);
    const { namespace, labels = {} } = slice.metadata;
    const name = labels[serviceNameLabel];
    const service = name && labels[managedByLabel] === this.#managedBy ? `${namespace}/${name}` : undefined;
    // A slice whose labels someone changed is no longer the old Service's.
    if (this.#services.get(key) !== service) this.#forget(key, changed);
    if (service === undefined) return;
    this.#services.set(key, service);
    const slices = this.#byService.get(service) ?? new Map<string, Readonly<EndpointSlice>>();
    this.#byService.set(service, slices.set(key, slice));
    changed(service);
  }

  #forget(key: string, changed: (service: string) => void): void {
    const service = this.#services.get(key);
    if (service === undefined) return;
    this.#services.delete(key);
    const slices = this.#byService.get(service);
    slices?.delete(key);
    if (slices?.size === 0) this.#byService.delete(service);
    changed(service);
  }
}

/** `NAME-`, without the dash where it would make the prefix longer than a DNS subdomain of 253. */
export function sliceNamePrefix(serviceName: string): string {
  return serviceName.length < 253 ? `${serviceName}-` : serviceName;
}

/** What becomes of the slices of one Service. */
export interface SliceWrites {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly Readonly<EndpointSlice>[];
}

export interface SliceWriting {
  readonly client: Client;
  readonly writes: WriteTracker<EndpointSlice>;
  /** `namespace/name` of the Service. */
  readonly key: string;
  readonly metrics?: Pick<SliceMetrics, 'wrote'>;
}

/** Creates before it updates and deletes, so that an endpoint that moves between slices is never in none. */
export async function writeSlices(
  { create, update, delete: gone }: SliceWrites,
  { client, writes, key, metrics }: SliceWriting,
): Promise<void> {
  const resource = client.resource<EndpointSlice>(endpointSlices);
  try {
    for (const slice of create) {
      writes.wrote(key, await resource.create(slice));
      metrics?.wrote('create');
    }
  } catch (error) {
    // The slices go with their namespace: there is nothing to try again.
    if (isNamespaceTerminating(error)) return;
    throw error;
  }
  for (const slice of update) {
    writes.wrote(key, await resource.update(slice));
    metrics?.wrote('update');
  }
  for (const slice of gone) {
    await resource.delete(slice.metadata.name, slice.metadata.namespace).catch(ignoreNotFound);
    writes.deleted(key, slice);
    metrics?.wrote('delete');
  }
}
