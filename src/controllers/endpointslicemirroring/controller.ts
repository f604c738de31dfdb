// Mirrors Endpoints of Services without a selector into EndpointSlices.
import type { Endpoints, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { endpointSlices, endpoints, services } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { ServiceSlices, writeSlices } from '../shared/service-slices.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { MirroringMetrics } from './metrics.ts';
import { managedBy, mostAddresses, reconcile, shouldMirror } from './reconcile.ts';

export function endpointSliceMirroringController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const endpointsInformer = informers.informer<Endpoints>(endpoints);
  const serviceInformer = informers.informer<Service>(services);
  const sliceInformer = informers.informer<EndpointSlice>(endpointSlices);
  const writes = new WriteTracker<EndpointSlice>(sliceInformer, clock);
  const slices = new ServiceSlices(managedBy);
  const recorder = recorderOf(context, 'endpoint-slice-mirroring-controller');
  const metrics = new MirroringMetrics(mostAddresses);
  context.metrics?.own('endpointslice-mirroring-controller', metrics.families);
  const waitFor = [endpointsInformer, serviceInformer, sliceInformer];
  const controller = new KeyedController({ name: 'endpointslice-mirroring-controller', context, waitFor, sync });
  const enqueue = (object: Readonly<Endpoints> | Readonly<Service>) => controller.queue.add(objectKey(object));
  onEveryChange(endpointsInformer, enqueue);
  serviceInformer.addHandler({
    added: enqueue,
    updated: (service, old) => isSelectorless(service) !== isSelectorless(old) && enqueue(service),
    deleted: enqueue,
  });
  slices.follow(sliceInformer, (key) => controller.queue.add(key));

  async function sync(key: string) {
    const begun = clock.monotonic();
    try {
      return await mirror(key);
    } finally {
      metrics.ended((clock.monotonic() - begun) / 1000);
    }
  }

  async function mirror(key: string) {
    const [namespace = '', name = ''] = key.split('/');
    if (writes.pending(key)) return { requeueAfter: 1000 };
    const object = endpointsInformer.lister.get(name, namespace);
    const service = serviceInformer.lister.get(name, namespace);
    const mine = slices.of(key);
    const writing = { client, writes, key, metrics: metrics.slices };
    if (!object || !service || !isSelectorless(service) || !shouldMirror(object)) {
      metrics.slices.forget(key);
      await writeSlices({ create: [], update: [], delete: mine }, writing);
      return undefined;
    }
    const mirroring = reconcile(object, mine);
    for (const warning of mirroring.warnings) recorder.event(object, { type: 'Warning', ...warning });
    metrics.synced(key, mirroring.figures);
    await writeSlices(mirroring, writing);
    return undefined;
  }

  return controller;
}

function isSelectorless({ spec }: Readonly<Service>): boolean {
  return Object.keys(spec.selector ?? {}).length === 0;
}
