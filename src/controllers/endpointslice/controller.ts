// Keeps the EndpointSlices of Services with a selector.
import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { objectKey } from '../../apimachinery/object.ts';
import { endpointSlices, nodes, pods, services } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, onEveryChange, recorderOf } from '../controller.ts';
import { createServiceSelection } from '../shared/service-selection.ts';
import { ServiceSlices, writeSlices } from '../shared/service-slices.ts';
import { hasManagedEndpoints, TriggerTimes } from '../shared/services.ts';
import { WriteTracker } from '../shared/write-tracker.ts';
import { EndpointSliceMetrics } from './metrics.ts';
import { managedBy, maxEndpointsPerSlice, reconcile } from './reconcile.ts';
import { wantsTopologyHints } from './topology-hints.ts';
import { ZonesOfNodes } from './zones-of-nodes.ts';

export function endpointSliceController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const serviceInformer = informers.informer<Service>(services);
  const podInformer = informers.informer<Pod>(pods);
  const nodeInformer = informers.informer<Node>(nodes);
  const sliceInformer = informers.informer<EndpointSlice>(endpointSlices);
  const selection = createServiceSelection(serviceInformer, podInformer);
  const writes = new WriteTracker<EndpointSlice>(sliceInformer, clock);
  const triggerTimes = new TriggerTimes();
  const recorder = recorderOf(context, 'endpoint-slice-controller');
  const slices = new ServiceSlices(managedBy);
  /** Nodes of pods that are not known, by the Services that wait for them. */
  const waiting = new Map<string, readonly string[]>();
  const withTopologyHints = new Set<string>();
  const zones = new ZonesOfNodes(nodeInformer);
  const metrics = new EndpointSliceMetrics(maxEndpointsPerSlice);
  context.metrics?.own('endpointslice-controller', metrics.families);

  const controller = new KeyedController({
    name: 'endpointslice-controller',
    context,
    waitFor: [serviceInformer, podInformer, nodeInformer, sliceInformer],
    sync,
  });
  const { queue } = controller;

  onEveryChange(serviceInformer, (service) => queue.add(objectKey(service)));
  selection.follow((key) => queue.add(key));
  nodeInformer.addHandler({
    added({ metadata }) {
      for (const [key, names] of waiting) if (names.includes(metadata.name)) queue.add(key);
    },
  });
  zones.follow(() => {
    for (const service of serviceInformer.lister.list()) {
      if (wantsTopologyHints(service)) queue.add(objectKey(service));
    }
  });
  slices.follow(sliceInformer, (key) => queue.add(key));

  async function sync(key: string) {
    waiting.delete(key);
    const [namespace = '', name = ''] = key.split('/');
    const service = serviceInformer.lister.get(name, namespace);
    if (!service) {
      triggerTimes.forget(key);
      withTopologyHints.delete(key);
      metrics.forget(key);
      return undefined;
    }
    if (!hasManagedEndpoints(service)) return undefined;
    // The slice that this controller just wrote comes by the watch, and the key with it.
    if (writes.pending(key)) {
      metrics.ended('stale');
      return { requeueAfter: 1000 };
    }
    const selected = selection.podsOf(service);
    const changes = reconcile({
      service,
      pods: selected,
      node: (nodeName) => nodeInformer.lister.get(nodeName),
      slices: slices.of(key),
      maxEndpointsPerSlice,
      triggerTime: triggerTimes.next(key, service, selected),
      zoneRatios: zones.ratios,
      hadTopologyHints: withTopologyHints.has(key),
    });
    if (changes.hasTopologyHints) withTopologyHints.add(key);
    else withTopologyHints.delete(key);
    for (const event of changes.events) recorder.event(service, event);
    if (changes.missingNodes.length > 0) waiting.set(key, changes.missingNodes);
    try {
      await writeSlices(changes, { client, writes, key, metrics: metrics.slices });
      metrics.synced(key, service, changes.figures);
      metrics.ended(changes.missingNodes.length > 0 ? 'error' : 'success');
    } catch (error) {
      metrics.ended('error');
      const message = `Error updating Endpoint Slices for Service ${key}: ${errorMessage(error)}`;
      recorder.event(service, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message });
      throw error;
    }
    return { looked: selected.length };
  }

  return controller;
}
