// The story of one Service: what it is, who stands behind it and why, and what nodes and DNS make of it.

import type { Node, Pod, Service } from '../../api/core/v1/types.generated.ts';
import { managedByLabel, serviceNameLabel } from '../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { selects } from '../../controllers/shared/service-selection.ts';
import { rulesText } from '../../proxy/offline.ts';
import type { ProxySettings } from '../../proxy/settings.ts';
import { idOf } from '../object-id.ts';
import { zoneRecords } from '../plan/records.ts';
import { nearMisses, whyNoTraffic } from '../pods-of-service.ts';
import { explainRules } from '../rules/explain-rules.ts';
import { bothFamilies } from '../shares.ts';
import type { NodeRulesText, PodMatch, Story } from './story.ts';

export interface StoryRequest {
  readonly objects: readonly KubeObject[];
  /** `namespace/name`. */
  readonly service: string;
  readonly settings: ProxySettings;
  readonly clusterDomain: string;
}

/** At most so many pods of each list are told; a page shows no more. */
const mostPods = 200;

/** Undefined when there is no such Service among the objects. */
export async function tellStory(request: StoryRequest): Promise<Story | undefined> {
  const { objects, settings, clusterDomain } = request;
  const service = objects.find(
    (object): object is Service => isService(object) && objectKey(object) === request.service,
  );
  if (!service) return undefined;
  const own = [service, ...objects.filter((object) => isSliceOf(object, service))];
  const pods = objects.filter(
    (object): object is Pod => object.kind === 'Pod' && object.metadata.namespace === service.metadata.namespace,
  );
  const nodes = objects.filter((object): object is Node & typeof object => object.kind === 'Node');
  const { matches, almost } = podsOf(service, pods, new Map(nodes.map((node) => [node.metadata.name, node])));
  const { managedFields: _, ...metadata } = service.metadata;
  return {
    id: idOf(service),
    resourceVersion: metadata.resourceVersion ?? '',
    object: { ...service, metadata },
    addresses: addressLines(service, settings),
    selector: selectorText(service),
    matches,
    almost,
    slices: own.slice(1).map((slice) => ({
      id: idOf(slice),
      managedBy: slice.metadata.labels?.[managedByLabel] ?? '',
    })),
    rules: await serviceRules(request, own),
    records: zoneRecords(
      [...own, ...pods.filter((pod) => selects(service.spec.selector, pod.metadata.labels))],
      clusterDomain,
    ),
  };
}

const isService = (object: KubeObject): boolean => object.kind === 'Service';

function isSliceOf(object: KubeObject, { metadata }: Readonly<Service>): object is EndpointSlice {
  return (
    object.kind === 'EndpointSlice' &&
    object.metadata.namespace === metadata.namespace &&
    object.metadata.labels?.[serviceNameLabel] === metadata.name
  );
}

function selectorText({ spec }: Readonly<Service>): string {
  return Object.entries(spec?.selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function addressLines({ spec = {}, status }: Readonly<Service>, { serviceCIDRs }: ProxySettings): string[] {
  if (spec.type === 'ExternalName') return [`no address: DNS answers with the name ${spec.externalName}`];
  if (spec.clusterIP === 'None') return ['headless, so no address of its own: DNS answers with those of its pods'];
  const { clusterIPs = spec.clusterIP ? [spec.clusterIP] : [] } = spec;
  const ingress = status?.loadBalancer?.ingress ?? [];
  return [
    ...clusterIPs.map(
      (ip) =>
        `${ip}, allocated from ${serviceCIDRs.find((cidr) => cidr.includes(':') === ip.includes(':')) ?? 'the Service range'} and held by IPAddress ${ip}`,
    ),
    ...(spec.ports ?? []).flatMap(({ nodePort, port }) =>
      nodePort ? [`port ${nodePort} of every node leads to port ${port}`] : [],
    ),
    ...(spec.externalIPs ?? []).map((ip) => `${ip}, an external IP: nodes take it when packets to it reach them`),
    ...ingress.flatMap(({ ip }) => (ip ? [`${ip}, the load balancer's`] : [])),
  ];
}

function podsOf({ spec }: Readonly<Service>, pods: readonly Pod[], nodes: ReadonlyMap<string, Node>) {
  const { selector = {}, publishNotReadyAddresses: isPublished = false } = spec ?? {};
  const matches = pods
    .filter(({ metadata }) => selects(selector, metadata.labels))
    .slice(0, mostPods)
    .map((pod): PodMatch => {
      const node = nodes.get(pod.spec?.nodeName ?? '');
      return { id: idOf(pod), why: whyNoTraffic(pod, { isPublished, node }) };
    });
  const almost = nearMisses(selector, pods).map(({ pod, why }): PodMatch => ({ id: idOf(pod), why }));
  return { matches, almost: almost.slice(0, mostPods) };
}

/** At most so many nodes are told of: they differ little, and `portico rules` tells of any. */
const mostNodes = 20;

/** Those rules of each node that are there for this Service. */
async function serviceRules(
  { objects, service, settings }: StoryRequest,
  own: readonly KubeObject[],
): Promise<NodeRulesText[]> {
  const nodes = objects
    .filter((object): object is Node => object.kind === 'Node')
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .slice(0, mostNodes);
  const found: NodeRulesText[] = [];
  for (const node of nodes) {
    const alone = [node, ...own];
    const text = await rulesText({ objects: alone, nodeName: node.metadata.name, settings, families: bothFamilies });
    const rules = explainRules(alone, text).filter(({ services }) => services.includes(service));
    found.push({ node: node.metadata.name, lines: rules.map(({ line }) => line.trim()) });
  }
  return found;
}
