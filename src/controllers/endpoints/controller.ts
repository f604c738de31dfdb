// Keeps the Endpoints object of each Service with a selector, for readers that know no EndpointSlices.
import { managedBy, managedByLabel } from '../../api/core/v1/endpoints/labels.ts';
import type { Endpoints, Pod, Service } from '../../api/core/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { ignoreNotFound, isAlreadyExists } from '../../apimachinery/status.ts';
import { endpoints, pods, services } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { createServiceSelection } from '../shared/service-selection.ts';
import { hasManagedEndpoints, TriggerTimes } from '../shared/services.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { reconcile } from './reconcile.ts';

export function endpointsController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const serviceInformer = informers.informer<Service>(services);
  const podInformer = informers.informer<Pod>(pods);
  const endpointsInformer = informers.informer<Endpoints>(endpoints);
  const selection = createServiceSelection(serviceInformer, podInformer);
  const writes = new WriteTracker<Endpoints>(endpointsInformer, clock);
  const triggerTimes = new TriggerTimes();
  const recorder = recorderOf(context, managedBy);
  const resource = client.resource<Endpoints>(endpoints);

  const waitFor = [serviceInformer, podInformer, endpointsInformer];
  const controller = new KeyedController({ name: 'endpoints-controller', context, waitFor, sync });
  const { queue } = controller;
  const enqueue = (object: Readonly<Service> | Readonly<Endpoints>) => queue.add(objectKey(object));
  onEveryChange(serviceInformer, enqueue);
  selection.follow((key) => queue.add(key));
  endpointsInformer.addHandler({
    // An object of a Service that was deleted while this controller was away.
    added: (object) => object.metadata.labels?.[managedByLabel] === managedBy && enqueue(object),
    deleted: enqueue,
  });

  async function sync(key: string) {
    const [namespace = '', name = ''] = key.split('/');
    const service = serviceInformer.lister.get(name, namespace);
    const current = endpointsInformer.lister.get(name, namespace);
    if (!service) {
      triggerTimes.forget(key);
      if (current) await resource.delete(name, namespace).catch(ignoreNotFound);
      return undefined;
    }
    if (!hasManagedEndpoints(service)) return undefined;
    if (writes.pending(key)) return { requeueAfter: 1000 };
    const selected = selection.podsOf(service);
    const triggerTime = triggerTimes.next(key, service, selected);
    const wanted = reconcile({ service, pods: selected, current, triggerTime });
    const result = { looked: selected.length };
    if (!wanted) return result;
    try {
      writes.wrote(key, current ? await resource.update(wanted) : await resource.create(wanted));
    } catch (error) {
      // Made by another in the meantime: the watch brings it, and the next try updates it.
      if (!current && isAlreadyExists(error)) throw error;
      // They go with their namespace: there is nothing to try again.
      if (!current && isNamespaceTerminating(error)) return result;
      const reason = current ? 'FailedToUpdateEndpoint' : 'FailedToCreateEndpoint';
      const what = current ? 'update endpoint' : 'create endpoint for service';
      const message = `Failed to ${what} ${key}: ${errorMessage(error)}`;
      recorder.event(wanted, { type: 'Warning', reason, message });
      throw error;
    }
    return result;
  }

  return controller;
}
