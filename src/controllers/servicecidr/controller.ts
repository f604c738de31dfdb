// Keeps the finalizer and the Ready condition of ServiceCIDRs.
import type { IPAddress, ServiceCIDR } from '../../api/networking/v1/types.generated.ts';
import { ipAddresses, serviceCIDRs } from '../../client/resources.ts';
import {
  type Controller,
  type ControllerContext,
  KeyedController,
  onEveryChange,
  type SyncResult,
} from '../controller.ts';
import { reconcileServiceCIDR } from './reconcile.ts';

export function serviceCIDRController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const informer = informers.informer<ServiceCIDR>(serviceCIDRs);
  const cidrs = client.resource<ServiceCIDR>(serviceCIDRs);
  const controller = new KeyedController({ name: 'service-cidr-controller', context, waitFor: [informer], sync });
  const { queue } = controller;
  // One range can make up for another.
  onEveryChange(informer, () => {
    for (const { metadata } of informer.lister.list()) queue.add(metadata.name);
  });
  let watched = false;

  /** Addresses are many, and matter only once a range is being deleted: they are watched from then on. */
  async function addressesFor(
    cidr: Readonly<ServiceCIDR>,
    signal: AbortSignal,
  ): Promise<readonly Readonly<IPAddress>[]> {
    if (cidr.metadata.deletionTimestamp === undefined) return [];
    const addresses = informers.informer<IPAddress>(ipAddresses);
    if (!watched) {
      watched = true;
      addresses.addHandler({ deleted: enqueueDeleted });
    }
    await addresses.synced(signal);
    return addresses.lister.list();
  }

  function enqueueDeleted(): void {
    for (const { metadata } of informer.lister.list()) {
      if (metadata.deletionTimestamp !== undefined) queue.add(metadata.name);
    }
  }

  async function sync(name: string, signal: AbortSignal): Promise<SyncResult | undefined> {
    const cidr = informer.lister.get(name);
    if (!cidr) return undefined;
    const addresses = await addressesFor(cidr, signal);
    const input = { cidr, all: informer.lister.list(), addresses, now: clock.now() };
    const { finalizers, ready, recheckAfter } = reconcileServiceCIDR(input);
    let present: ServiceCIDR = cidr;
    if (finalizers) {
      present = await cidrs.update({ ...cidr, metadata: { ...cidr.metadata, finalizers: [...finalizers] } });
    }
    if (ready) {
      const others = present.status?.conditions?.filter(({ type }) => type !== 'Ready') ?? [];
      await cidrs.update({ ...present, status: { conditions: [...others, ready] } }, { subresource: 'status' });
    }
    return recheckAfter === undefined ? undefined : { requeueAfter: recheckAfter };
  }

  return controller;
}
