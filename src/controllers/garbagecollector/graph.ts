// Who owns whom, by uid. Pure bookkeeping: the controller tells it of each object that comes, changes or goes. Objects that
// nobody owns have no place in it, unless they wait for those that they own: most objects cost nothing.
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { DiscoveredResource } from '../../client/discovery.ts';
import { foregroundFinalizer, orphanFinalizer } from './reconcile.ts';

export interface GraphNode {
  readonly uid: string;
  readonly resource: DiscoveredResource;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  readonly finalizers: readonly string[];
}

const none: readonly never[] = [];

export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  nodes(): Iterable<GraphNode> {
    return this.#nodes.values();
  }

  dependentsOf(uid: string): GraphNode[] {
    const found: GraphNode[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const node = this.#nodes.get(dependent);
      if (node) found.push(node);
    }
    return found;
  }

  /** Undefined for an object that has no place here. */
  set(resource: DiscoveredResource, object: Readonly<KubeObject>): GraphNode | undefined {
    const node = nodeOf(resource, object);
    if (node.uid === '') return undefined;
    this.delete(node.uid);
    if (!hasPlace(object)) return undefined;
    this.#nodes.set(node.uid, node);
    for (const owner of node.owners) {
      const set = this.#dependents.get(owner.uid) ?? new Set<string>();
      set.add(node.uid);
      this.#dependents.set(owner.uid, set);
    }
    return node;
  }

  /** The dependents that are left stay linked to the uid, so that they can be looked at. */
  delete(uid: string): GraphNode | undefined {
    const node = this.#nodes.get(uid);
    if (!node) return undefined;
    this.#nodes.delete(uid);
    this.#unlink(node);
    return node;
  }

  /** Forgets the objects of a resource that is followed no more. */
  forget(resource: DiscoveredResource): void {
    for (const node of this.#nodes.values()) if (node.resource === resource) this.delete(node.uid);
  }

  #unlink(node: GraphNode): void {
    for (const owner of node.owners) {
      const set = this.#dependents.get(owner.uid);
      set?.delete(node.uid);
      if (set?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

export function nodeOf(resource: DiscoveredResource, { metadata }: Readonly<KubeObject>): GraphNode {
  const { uid = '', name, namespace, ownerReferences: owners = none, finalizers = none } = metadata;
  return { uid, resource, name, namespace, owners, deleting: metadata.deletionTimestamp !== undefined, finalizers };
}

/** Whether an object belongs into the graph: somebody owns it, or it waits for those that it owns. */
export function hasPlace({ metadata }: Readonly<KubeObject>): boolean {
  return (metadata.ownerReferences?.length ?? 0) > 0 || (metadata.finalizers?.some(waitsForDependents) ?? false);
}

function waitsForDependents(finalizer: string): boolean {
  return finalizer === foregroundFinalizer || finalizer === orphanFinalizer;
}
