// Keeps the Service kube-system/kube-dns and its EndpointSlices of the nodes.

import type { Node, Service } from '../../api/core/v1/types.generated.ts';
import { managedByLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { endpointSlices, nodes, services } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange } from '../controller.ts';
import { writeSlices } from '../shared/service-slices.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { clusterDNSService, managedBy, reconcile, serviceName, serviceNamespace } from './reconcile.ts';

const key = `${serviceNamespace}/${serviceName}`;

export function clusterDNSController(context: ControllerContext): Controller {
  const { client, informers, config, clock } = context;
  const serviceInformer = informers.informer<Service>(services);
  const nodeInformer = informers.informer<Node>(nodes);
  const sliceInformer = informers.informer<EndpointSlice>(endpointSlices);
  const serviceClient = client.resource<Service>(services);
  const writes = new WriteTracker<EndpointSlice>(sliceInformer, clock);
  const serviceWrites = new WriteTracker<Service>(serviceInformer, clock);
  const waitFor = [serviceInformer, nodeInformer, sliceInformer];
  // kube-system may not be there yet when a cluster starts: the first tries come fast.
  const controller = new KeyedController({
    name: 'cluster-dns-controller',
    context,
    waitFor,
    workers: 1,
    maxDelay: 1000,
    sync,
  });
  const enqueue = () => controller.queue.add(key);
  const enqueueIfOurs = (object: Readonly<Service> | Readonly<EndpointSlice>) => {
    const { name, namespace } = object.metadata;
    if (namespace === serviceNamespace && name.startsWith(serviceName)) enqueue();
  };
  onEveryChange(serviceInformer, enqueueIfOurs);
  onEveryChange(sliceInformer, enqueueIfOurs);
  nodeInformer.addHandler({
    added: enqueue,
    updated: (node, old) => factsOf(node) !== factsOf(old) && enqueue(),
    deleted: enqueue,
    synced: enqueue,
  });

  async function sync() {
    if (config.clusterDNS.length === 0) return undefined;
    if (writes.pending(key) || serviceWrites.pending(key)) return { requeueAfter: 1000 };
    const service = serviceInformer.lister.get(serviceName, serviceNamespace);
    if (!service) {
      serviceWrites.wrote(key, await serviceClient.create(clusterDNSService(config.clusterDNS)));
      return undefined;
    }
    const mine = sliceInformer.lister
      .list(serviceNamespace)
      .filter((slice) => slice.metadata.labels?.[managedByLabel] === managedBy);
    const changes = reconcile(service, nodeInformer.lister.list(), mine);
    await writeSlices(changes, { client, writes, key });
    return undefined;
  }

  return controller;
}

/** What of a node the endpoints depend on; its status changes far more often. */
function factsOf(node: Readonly<Node>): string {
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready')?.status;
  return JSON.stringify([ready, node.status?.addresses, node.metadata.labels, node.metadata.deletionTimestamp]);
}
