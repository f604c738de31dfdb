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
  owners: readonly OwnerReference[];
  deleting: boolean;
  finalizers: readonly string[];
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
    const { uid, name, namespace, ownerReferences: owners = none, finalizers = none } = object.metadata;
    if (!uid) return undefined;
    if (!hasPlace(object)) {
      this.delete(uid);
      return undefined;
    }
    const deleting = object.metadata.deletionTimestamp !== undefined;
    const present = this.#nodes.get(uid);
    if (present) {
      this.#unlink(present);
      Object.assign(present, { owners, deleting, finalizers });
    }
    const node = present ?? { uid, resource, name, namespace, owners, deleting, finalizers };
    this.#nodes.set(uid, node);
    for (const owner of owners) {
      const set = this.#dependents.get(owner.uid) ?? new Set<string>();
      set.add(uid);
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

/** Whether an object belongs into the graph: somebody owns it, or it waits for those that it owns. */
export function hasPlace({ metadata }: Readonly<KubeObject>): boolean {
  return (metadata.ownerReferences?.length ?? 0) > 0 || (metadata.finalizers?.some(waitsForDependents) ?? false);
}

function waitsForDependents(finalizer: string): boolean {
  return finalizer === foregroundFinalizer || finalizer === orphanFinalizer;
}
