// Follows objects as they change, and says what of the picture changed with them.
import type { Node, Service } from '../../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../api/discovery/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { ServiceView } from '../../proxy/service-view.ts';
import { idOf } from '../object-id.ts';
import { sharesOf } from '../shares.ts';
import { itemOf } from './items.ts';
import type { Item, TrafficItem } from './picture.ts';

export class PictureState {
  readonly #items = new Map<string, Item>();
  readonly #nodes = new Map<string, Readonly<Node>>();
  readonly #view = new ServiceView();
  readonly #set = new Set<string>();
  readonly #gone = new Set<string>();

  /** Objects with their `kind`; of kinds that the picture does not show nothing happens. */
  put(object: Readonly<KubeObject>): void {
    const item = itemOf(object);
    if (!item) return;
    if (object.kind === 'Service') this.#view.setService(object as Service);
    if (object.kind === 'EndpointSlice') this.#view.setSlice(object as EndpointSlice);
    if (object.kind === 'Node') this.#putNode(object as Node);
    this.#setItem(item);
  }

  remove(object: Readonly<KubeObject>): void {
    if (object.kind === 'Service') this.#view.deleteService(object as Service);
    if (object.kind === 'EndpointSlice') this.#view.deleteSlice(object as EndpointSlice);
    if (object.kind === 'Node' && this.#nodes.delete(object.metadata.name)) this.#touchAll();
    this.#removeItem(idOf(object));
  }

  /** All there is. */
  items(): readonly Item[] {
    this.#settle();
    return [...this.#items.values()];
  }

  /** What changed since the last call. */
  takeChange(): { readonly set: readonly Item[]; readonly gone: readonly string[] } {
    this.#settle();
    const set = [...this.#set].flatMap((id) => this.#items.get(id) ?? []);
    const gone = [...this.#gone];
    this.#set.clear();
    this.#gone.clear();
    return { set, gone };
  }

  /** A node's heartbeat changes nobody's traffic. */
  #putNode(node: Readonly<Node>): void {
    const { name } = node.metadata;
    const before = this.#nodes.get(name);
    this.#nodes.set(name, node);
    if (!before || !jsonEqual(before.metadata.labels, node.metadata.labels)) this.#touchAll();
  }

  #touchAll(): void {
    for (const name of this.#view.names()) {
      const service = this.#view.service(name);
      if (service) this.#view.setService(service);
    }
  }

  #settle(): void {
    for (const name of this.#view.takeChanged()) {
      const id = `Traffic ${name}`;
      if (!this.#view.service(name)) this.#removeItem(id);
      else this.#setItem(trafficItem(id, this.#view, name, this.#nodes.values()));
    }
  }

  #setItem(item: Item): void {
    const before = this.#items.get(item.id);
    if (before && jsonEqual(before, item)) return;
    this.#items.set(item.id, item);
    this.#gone.delete(item.id);
    this.#set.add(item.id);
  }

  #removeItem(id: string): void {
    if (!this.#items.delete(id)) return;
    this.#set.delete(id);
    this.#gone.add(id);
  }
}

function trafficItem(id: string, view: ServiceView, name: string, nodes: Iterable<Readonly<Node>>): TrafficItem {
  return {
    kind: 'Traffic',
    id,
    ports: sharesOf(view, name, nodes).map(({ servicePort, shares, lost }) => ({
      name: servicePort.portName,
      port: servicePort.port,
      protocol: servicePort.protocol,
      shares: Object.fromEntries(shares),
      lost,
    })),
  };
}

/** The picture of objects as they are. */
export function itemsOf(objects: readonly KubeObject[]): readonly Item[] {
  const state = new PictureState();
  for (const object of objects) state.put(object);
  return state.items();
}
