// EndpointSlices as their controller would have them after a change.

import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import { managedByLabel, serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { managedBy, maxEndpointsPerSlice, reconcile } from '../../controllers/endpointslice/reconcile.ts';
import { zoneRatios } from '../../controllers/endpointslice/topology-hints.ts';
import { selects } from '../../controllers/shared/service-selection.ts';
import { hasManagedEndpoints } from '../../controllers/shared/services.ts';

/**
 * The objects with the slices that follow from their Services, pods and nodes. With `before`, only those of Services that
 * what differs from it concerns: controllers look at no others, which may lag behind (zones of nodes that were labelled since).
 */
export function withSlices(objects: readonly KubeObject[], before: readonly KubeObject[] = []): KubeObject[] {
  const concerns = before.length === 0 ? () => true : concernedBy(before, objects);
  const nodes = new Map(ofKind<Node>(objects, 'Node').map((node) => [node.metadata.name, node]));
  const ratios = zoneRatios([...nodes.values()]);
  const pods = ofKind<Pod>(objects, 'Pod');
  const services = new Map(ofKind<Service>(objects, 'Service').map((service) => [objectKey(service), service]));
  const slices = new Map(ofKind<EndpointSlice>(objects, 'EndpointSlice').map((slice) => [objectKey(slice), slice]));
  const byService = Map.groupBy([...slices.values()].filter(isManaged), serviceOf);
  for (const [key, service] of services) {
    if (!hasManagedEndpoints(service) || !concerns(service, byService.get(key) ?? [])) continue;
    const { namespace } = service.metadata;
    const selected = pods.filter(
      (pod) => pod.metadata.namespace === namespace && selects(service.spec.selector, pod.metadata.labels),
    );
    const changes = reconcile({
      service,
      pods: selected,
      node: (name) => nodes.get(name),
      slices: byService.get(key) ?? [],
      maxEndpointsPerSlice,
      zoneRatios: ratios,
    });
    for (const slice of changes.delete) slices.delete(objectKey(slice));
    for (const [i, slice] of [...changes.create, ...changes.update].entries()) {
      const name = slice.metadata.name || `${slice.metadata.generateName ?? service.metadata.name}new${i || ''}`;
      const named = { ...slice, kind: 'EndpointSlice', metadata: { ...slice.metadata, name } };
      slices.set(objectKey(named), named);
    }
  }
  // A Service that goes takes its slices along.
  for (const slice of [...slices.values()]) {
    if (isManaged(slice) && !services.has(serviceOf(slice))) slices.delete(objectKey(slice));
  }
  return [...objects.filter(({ kind }) => kind !== 'EndpointSlice'), ...slices.values()];
}

/**
 * The objects of manifests with the slices that a controller would write for their Services of which they hold none. Manifests
 * need not name namespaces, nor say of pods what only kubelets ask.
 */
export function withMissingSlices(objects: readonly KubeObject[]): KubeObject[] {
  const inNamespace = (object: KubeObject) => ({ namespace: 'default', ...object.metadata });
  const listed = new Set(
    ofKind<EndpointSlice>(objects, 'EndpointSlice').map((slice) =>
      serviceOf({ ...slice, metadata: inNamespace(slice) }),
    ),
  );
  const lacking = objects.flatMap((object) => {
    const placed = object.kind === 'Node' ? object : { ...object, metadata: inNamespace(object) };
    const { spec } = object as Partial<Pod>;
    if (object.kind === 'EndpointSlice' || (object.kind === 'Service' && listed.has(objectKey(placed)))) return [];
    return [{ ...placed, spec: { ...(object.kind === 'Pod' && { containers: [] }), ...spec } } as KubeObject];
  });
  return [...objects, ...withSlices(lacking).filter(({ kind }) => kind === 'EndpointSlice')];
}

/** Objects that are the same in both are the same values. */
function concernedBy(before: readonly KubeObject[], after: readonly KubeObject[]) {
  const [old, now] = [new Set(before), new Set(after)];
  const changed = [...after.filter((one) => !old.has(one)), ...before.filter((one) => !now.has(one))];
  const hasNodes = changed.some(({ kind }) => kind === 'Node');
  const pods = ofKind<Pod>(changed, 'Pod');
  return (service: Service, slices: readonly EndpointSlice[]): boolean =>
    hasNodes ||
    [service, ...slices].some((one) => !old.has(one)) ||
    pods.some(
      ({ metadata }) =>
        metadata.namespace === service.metadata.namespace && selects(service.spec.selector, metadata.labels),
    );
}

function isManaged({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[managedByLabel] === managedBy;
}

function serviceOf({ metadata }: EndpointSlice): string {
  return `${metadata.namespace}/${metadata.labels?.[serviceNameLabel]}`;
}

function ofKind<T extends KubeObject>(objects: readonly KubeObject[], kind: string): T[] {
  return objects.filter((object) => object.kind === kind) as T[];
}
