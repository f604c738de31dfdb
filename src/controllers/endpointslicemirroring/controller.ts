// Mirrors Endpoints of Services without a selector into EndpointSlices.
import type { Endpoints, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { endpointSlices, endpoints, services } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { ServiceSlices, writeSlices } from '../shared/service-slices.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { managedBy, reconcile, shouldMirror } from './reconcile.ts';

export function endpointSliceMirroringController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const endpointsInformer = informers.informer<Endpoints>(endpoints);
  const serviceInformer = informers.informer<Service>(services);
  const sliceInformer = informers.informer<EndpointSlice>(endpointSlices);
  const writes = new WriteTracker<EndpointSlice>(sliceInformer, clock);
  const slices = new ServiceSlices(managedBy);
  const recorder = recorderOf(context, 'endpoint-slice-mirroring-controller');
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
    const [namespace = '', name = ''] = key.split('/');
    if (writes.pending(key)) return { requeueAfter: 1000 };
    const object = endpointsInformer.lister.get(name, namespace);
    const service = serviceInformer.lister.get(name, namespace);
    const mine = slices.of(key);
    const mirrored = object && service && isSelectorless(service) && shouldMirror(object);
    const mirroring = mirrored ? reconcile(object, mine) : { create: [], update: [], delete: mine, warnings: [] };
    for (const warning of object ? mirroring.warnings : []) recorder.event(object!, { type: 'Warning', ...warning });
    await writeSlices(mirroring, { client, writes, key });
    return undefined;
  }

  return controller;
}

function isSelectorless({ spec }: Readonly<Service>): boolean {
  return Object.keys(spec.selector ?? {}).length === 0;
}
