// Why nobody stands behind a port of a Service, and what to change.
import { lastingContainers } from '../../api/core/v1/pod/facts.ts';
import type { Pod, ServicePort } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { selects } from '../../controllers/shared/service-selection.ts';
import type { IPFamily } from '../../net/ip.ts';
import { nearMisses, whyNoTraffic } from '../pods-of-service.ts';
import type { Cause } from './trace.ts';
import { addressesOf, type World } from './world.ts';

export interface Empty {
  /** `namespace/name`. */
  readonly service: string;
  /** The one asked for; undefined where its name alone is (a headless Service). */
  readonly port?: ServicePort | undefined;
  readonly family: IPFamily | undefined;
  /** Endpoints that slices list for it, none of them in use. */
  readonly listed: number;
}

export function noEndpointsCause(world: World, empty: Empty): Cause {
  const [namespace = ''] = empty.service.split('/');
  const { selector = {} } = world.services.get(empty.service)?.spec ?? {};
  const pods = [...world.pods.values()].filter(({ metadata }) => metadata.namespace === namespace);
  const selected = pods.filter(({ metadata }) => selects(selector, metadata.labels));
  if (empty.listed > 0) return notReady(world, empty, selected);
  if (Object.keys(selector).length === 0) return withoutSelector(world, empty);
  return selected.length > 0 ? unlisted(world, empty, selected) : nobody(world, empty, { selector, pods });
}

const objectOf = ({ service }: Empty): string => `Service ${service}`;
const nameIn = (service: string): string => service.slice(service.indexOf('/') + 1);

function describing(pods: readonly Pod[]): string {
  const [pod] = pods;
  return pod ? `kubectl -n ${pod.metadata.namespace} describe pod ${pod.metadata.name}` : 'kubectl describe pod';
}

/** `pod web-1: it is not ready; pod web-2: …`, of at most three; empty where nothing is known of them. */
function troubles(world: World, pods: readonly Pod[]): string {
  const said = pods.flatMap((pod) => {
    const why = whyNoTraffic(pod, { isPublished: false, node: world.nodes.get(pod.spec?.nodeName ?? '') });
    return why === '' ? [] : [`pod ${pod.metadata.name}: ${why}`];
  });
  return said.slice(0, 3).join('; ');
}

function notReady(world: World, empty: Empty, selected: readonly Pod[]): Cause {
  const { listed } = empty;
  const known = selected.filter(({ status }) => status?.conditions);
  const why = troubles(world, known);
  return {
    object: objectOf(empty),
    field: 'EndpointSlice endpoints[].conditions.ready',
    message: `none of its ${listed} endpoint${listed === 1 ? '' : 's'} is ready${why === '' ? '' : `: ${why}`}`,
    remedy: `look at the readiness of its pods: ${describing(known)}`,
  };
}

function withoutSelector(world: World, empty: Empty): Cause {
  const { service, port, family } = empty;
  const slices = (world.doors.objectsOf.get(service) ?? []).filter(
    (object): object is EndpointSlice & typeof object => object.kind === 'EndpointSlice',
  );
  const others = slices.filter(({ endpoints }) => endpoints?.length);
  const slice = others.find(({ addressType }) => addressType === family) ?? others[0];
  if (!slice || !port) {
    return {
      object: objectOf(empty),
      field: 'spec.selector',
      message: 'it has no selector, and no EndpointSlice lists an endpoint of this port',
      remedy: `write an EndpointSlice for it, with the label kubernetes.io/service-name: ${nameIn(service)}, or give it a selector`,
    };
  }
  const object = `EndpointSlice ${slice.metadata.namespace ?? 'default'}/${slice.metadata.name}`;
  if (slice.addressType !== family) {
    return {
      object,
      field: 'addressType',
      message: `it lists ${slice.addressType} addresses, and ${service} is asked at one of ${family}`,
      remedy: `write an EndpointSlice of ${family}, or ask the Service at an address of ${slice.addressType}`,
    };
  }
  const named = (slice.ports ?? []).map(({ name, protocol = 'TCP' }) => `${quoted(name)}/${protocol}`);
  const { name, protocol = 'TCP' } = port;
  return {
    object,
    field: 'ports[].name',
    message: `its ports are ${named.join(', ') || 'none'}; that of Service ${service} is ${quoted(name)}/${protocol}, and they are matched by name`,
    remedy: `give the port of the EndpointSlice the name ${quoted(name)}`,
  };
}

const quoted = (name: string | undefined): string => JSON.stringify(name ?? '');

interface Nobody {
  readonly selector: Readonly<Record<string, string>>;
  /** Of the namespace. */
  readonly pods: readonly Pod[];
}

function nobody(world: World, empty: Empty, { selector, pods }: Nobody): Cause {
  const [namespace] = empty.service.split('/');
  const elsewhere = [...world.pods.values()].filter(({ metadata }) => selects(selector, metadata.labels));
  const places = [...new Set(elsewhere.flatMap(({ metadata }) => metadata.namespace ?? []))];
  const hint =
    places.length > 0
      ? `; in namespace ${places.slice(0, 3).join(', ')} it would match ${names(elsewhere)}`
      : nearText(selector, pods);
  return {
    object: objectOf(empty),
    field: 'spec.selector',
    message: `its selector ${selectorText(selector)} matches no pod of namespace ${namespace}${hint}`,
    remedy:
      places.length > 0
        ? 'a Service stands for pods of its own namespace: make it in theirs'
        : "make the selector and the pods' labels agree",
  };
}

/** The pods that may be meant; where none is like that, the values that there are instead. */
function nearText(selector: Readonly<Record<string, string>>, pods: readonly Pod[]): string {
  const misses = nearMisses(selector, pods);
  const [first] = misses;
  if (first?.isLikely) {
    const likely = misses.filter(({ why }) => why === first.why).map(({ pod }) => pod);
    return `; nearest ${likely.length === 1 ? 'is' : 'are'} ${names(likely)}: ${first.why}`;
  }
  const [key = ''] = Object.keys(selector);
  const values = [...new Set(pods.flatMap(({ metadata }) => ownValue(metadata.labels, key) ?? []))].sort();
  const more = values.length > mostValues ? ` and ${values.length - mostValues} more` : '';
  return values.length === 0 ? '' : `; values of ${key} there are ${values.slice(0, mostValues).join(', ')}${more}`;
}

const mostValues = 5;

/** Pods are selected, and no slice has them at this port. */
function unlisted(world: World, empty: Empty, selected: readonly Pod[]): Cause {
  const { service, port } = empty;
  const { selector = {} } = world.services.get(service)?.spec ?? {};
  const matches = `its selector ${selectorText(selector)} matches ${names(selected)}`;
  const object = objectOf(empty);
  const running = selected.filter((pod) => addressesOf(pod).length > 0 && !isOver(pod));
  if (running.length === 0) {
    const why = troubles(world, selected);
    return {
      object,
      field: 'spec.selector',
      message: `${matches}, of which none has an address${why === '' ? '' : `: ${why}`}`,
      remedy: `look at why: ${describing(selected)}`,
    };
  }
  const { targetPort, protocol = 'TCP' } = port ?? {};
  const ports = running.flatMap((pod) => portsOf(pod, protocol));
  if (typeof targetPort === 'string' && !ports.some(({ name }) => name === targetPort)) {
    const known = [
      ...new Set(ports.map(({ name, number }) => (name === undefined ? `${number}` : `${name} (${number})`))),
    ];
    return {
      object,
      field: 'spec.ports[].targetPort',
      message: `${matches}, and no ${protocol} port of their containers has the name ${targetPort}: there ${known.length === 0 ? 'is none' : `is ${known.join(', ')}`}`,
      remedy: 'take the name or the number of one of them, or give the port of the container this name',
    };
  }
  return {
    object,
    field: 'EndpointSlice endpoints',
    message: `${matches}, and no EndpointSlice lists ${running.length === 1 ? 'it' : 'them'} at this port`,
    remedy: `EndpointSlices follow pods within seconds: kubectl get endpointslices -l kubernetes.io/service-name=${nameIn(service)}`,
  };
}

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

function portsOf(pod: Pod, protocol: string): { readonly name: string | undefined; readonly number: number }[] {
  // Manifests need not say of a pod what only a kubelet asks.
  const containers = pod.spec?.containers ? lastingContainers(pod) : [];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap((one) =>
      (one.protocol ?? 'TCP') === protocol ? [{ name: one.name, number: one.containerPort }] : [],
    ),
  );
}

function selectorText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function names(pods: readonly Pod[]): string {
  const shown = pods.slice(0, 3).map(({ metadata }) => metadata.name);
  return `${pods.length === 1 ? 'pod' : 'pods'} ${shown.join(', ')}${pods.length > 3 ? ` and ${pods.length - 3} more` : ''}`;
}
