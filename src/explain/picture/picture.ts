// What the page shows of the Service world, as values: small items, one for each object, and the traffic between them.
// The page imports these types; nothing here runs.

export type PodState = 'ready' | 'not ready' | 'waiting' | 'terminating' | 'failed' | 'succeeded';

export interface NodeItem {
  readonly kind: 'Node';
  /** `Node a`. */
  readonly id: string;
  readonly name: string;
  readonly zone: string | undefined;
  readonly isReady: boolean;
  readonly addresses: readonly string[];
  readonly podCIDRs: readonly string[];
}

export interface PodItem {
  readonly kind: 'Pod';
  /** `Pod default/web-1`. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** Name of its node; undefined until it is scheduled. */
  readonly node: string | undefined;
  readonly addresses: readonly string[];
  readonly state: PodState;
}

export interface ServicePortItem {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly targetPort: string;
  readonly nodePort: number | undefined;
}

export interface ServiceItem {
  readonly kind: 'Service';
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  /** `None` for headless Services; empty for ExternalName. */
  readonly clusterIPs: readonly string[];
  /** External IPs and those of load balancers. */
  readonly externalIPs: readonly string[];
  readonly externalName: string | undefined;
  readonly ports: readonly ServicePortItem[];
}

export interface EndpointItem {
  readonly address: string;
  readonly node: string | undefined;
  /** `Pod default/web-1`, where the slice names its target. */
  readonly target: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

export interface SliceItem {
  readonly kind: 'EndpointSlice';
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** `Service default/web`; undefined for slices of no Service. */
  readonly service: string | undefined;
  readonly addressType: string;
  readonly ports: readonly string[];
  readonly endpoints: readonly EndpointItem[];
}

/** Where new connections to one port of a Service go. */
export interface PortTraffic {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  /** By `address:port`: 0 to 1, over all nodes alike. */
  readonly shares: Readonly<Record<string, number>>;
  /** The share of nodes on which a connection to the cluster IP is refused or dropped, 0 to 1. */
  readonly lost: number;
}

/** What the proxies make of a Service, worked out by their own rules. */
export interface TrafficItem {
  readonly kind: 'Traffic';
  /** `Traffic default/web`. */
  readonly id: string;
  readonly ports: readonly PortTraffic[];
}

export type Item = NodeItem | PodItem | ServiceItem | SliceItem | TrafficItem;

/** A moment: the resourceVersion of the last change in it, and when that was (milliseconds since the epoch). */
export interface Moment {
  readonly revision: number;
  readonly time: number;
}

export interface Picture extends Moment {
  readonly items: readonly Item[];
}

/** From one picture to the next. */
export interface PictureChange extends Moment {
  readonly set: readonly Item[];
  /** Ids. */
  readonly gone: readonly string[];
}
