// The scheduler's view of the cluster: nodes with their pods, and pods whose binding is under way.
import type { Node, Pod } from '../api/core/v1/types.generated.ts';
import { objectKey } from '../apimachinery/object.ts';
import { NodeInfo } from './node-info.ts';

export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  /** Where each counted pod is, assumed ones too. */
  readonly #placed = new Map<string, string>();
  /** Their uids. A name may be another pod's by the time that a binding fails. */
  readonly #assumed = new Map<string, string | undefined>();
  /** Pods on nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, Readonly<Pod>>>();
  #list: readonly NodeInfo[] | undefined;
  /** Bytes of each image by node. */
  readonly #images = new Map<string, Map<string, number>>();
  /** Pods that will go to a node once it has room. */
  readonly #nominated = new Map<string, Map<string, Readonly<Pod>>>();

  /** In a stable order. */
  nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  imageNodes(image: string): ReadonlyMap<string, number> | undefined {
    return this.#images.get(image);
  }

  nominatedTo(nodeName: string): readonly Readonly<Pod>[] {
    return [...(this.#nominated.get(nodeName)?.values() ?? [])];
  }

  /** `''` takes the nomination back. Answers whether the pod is no longer waited for at another node. */
  nominate(pod: Readonly<Pod>, nodeName: string): boolean {
    const key = objectKey(pod);
    let left = false;
    for (const [name, pods] of this.#nominated) {
      if (name === nodeName || !pods.delete(key)) continue;
      left = true;
      if (pods.size === 0) this.#nominated.delete(name);
    }
    if (nodeName === '') return left;
    const present = this.#nominated.get(nodeName) ?? new Map<string, Readonly<Pod>>();
    present.set(key, pod);
    this.#nominated.set(nodeName, present);
    return left;
  }

  #noteImages({ metadata, status }: Readonly<Node>): void {
    this.#forgetImages(metadata.name);
    for (const { names, sizeBytes = 0 } of status?.images ?? []) {
      for (const image of names ?? []) {
        const sizes = this.#images.get(image) ?? new Map<string, number>();
        this.#images.set(image, sizes.set(metadata.name, sizeBytes));
      }
    }
  }

  #forgetImages(nodeName: string): void {
    for (const [image, sizes] of this.#images)
      if (sizes.delete(nodeName) && sizes.size === 0) this.#images.delete(image);
  }

  setNode(node: Readonly<Node>): void {
    const { name } = node.metadata;
    const present = this.#nodes.get(name);
    if (hasImages(node) || (present && hasImages(present.node))) this.#noteImages(node);
    if (present) {
      present.update(node);
      return;
    }
    const info = new NodeInfo(node);
    for (const pod of this.#homeless.get(name)?.values() ?? []) info.add(pod);
    this.#homeless.delete(name);
    this.#nodes.set(name, info);
    this.#list = undefined;
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    this.#forgetImages(name);
    if (info.pods.size > 0) this.#homeless.set(name, new Map(info.pods));
    this.#nodes.delete(name);
    this.#list = undefined;
  }

  /** A pod that has a node, by the server's word. */
  setPod(pod: Readonly<Pod>): void {
    this.#assumed.delete(objectKey(pod));
    this.#put(pod, pod.spec.nodeName ?? '');
  }

  /** Answers whether it was counted anywhere. */
  removePod(pod: Readonly<Pod>): boolean {
    const wasNominated = this.nominate(pod, '');
    this.#assumed.delete(objectKey(pod));
    return this.#takeAway(pod) || wasNominated;
  }

  /** Counts a pod on a node before the server has said so. */
  assume(pod: Readonly<Pod>, nodeName: string): void {
    this.#assumed.set(objectKey(pod), pod.metadata.uid);
    this.#put(pod, nodeName);
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  /** The binding failed. A pod that the server has placed meanwhile stays. */
  forget(pod: Readonly<Pod>): void {
    const key = objectKey(pod);
    if (this.#assumed.has(key) && this.#assumed.get(key) === pod.metadata.uid) this.removePod(pod);
  }

  #put(pod: Readonly<Pod>, nodeName: string): void {
    const key = objectKey(pod);
    this.nominate(pod, '');
    if (this.#placed.get(key) !== nodeName) this.#takeAway(pod);
    this.#placed.set(key, nodeName);
    const info = this.#nodes.get(nodeName);
    if (info) {
      info.add(pod);
      return;
    }
    const homeless = this.#homeless.get(nodeName) ?? new Map<string, Readonly<Pod>>();
    homeless.set(key, pod);
    this.#homeless.set(nodeName, homeless);
  }

  /** From where it is. Answers whether it was anywhere. */
  #takeAway(pod: Readonly<Pod>): boolean {
    const key = objectKey(pod);
    const place = this.#placed.get(key);
    if (place === undefined) return false;
    this.#placed.delete(key);
    this.#nodes.get(place)?.remove(pod);
    const homeless = this.#homeless.get(place);
    if (homeless?.delete(key) && homeless.size === 0) this.#homeless.delete(place);
    return true;
  }
}

const hasImages = ({ status }: Readonly<Node>): boolean => (status?.images ?? []).length > 0;
