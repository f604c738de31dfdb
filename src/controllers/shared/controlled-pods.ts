// Pods by the workload that controls them, and those that nobody controls.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { objectKey } from '../../apimachinery/object.ts';
import type { Informer } from '../../client/types.ts';
import { controllerOf } from './owners.ts';

export interface ControlledPods {
  /** By the uid of the controlling owner. */
  of(uid: string | undefined): Readonly<Pod>[];
  /** Without a controller, in a namespace. */
  orphans(namespace: string): Readonly<Pod>[];
}

export function createControlledPods(informer: Informer<Pod>): ControlledPods {
  const groups = new Map<string, Map<string, Readonly<Pod>>>();
  const groupOf = new Map<string, string>();
  const forget = (key: string) => {
    const group = groupOf.get(key);
    if (group === undefined) return;
    groupOf.delete(key);
    const members = groups.get(group);
    members?.delete(key);
    if (members?.size === 0) groups.delete(group);
  };
  const note = (pod: Readonly<Pod>) => {
    const key = objectKey(pod);
    const group = controllerOf(pod)?.uid ?? `orphans of ${pod.metadata.namespace}`;
    if (groupOf.get(key) !== group) forget(key);
    groupOf.set(key, group);
    const members = groups.get(group) ?? new Map<string, Readonly<Pod>>();
    members.set(key, pod);
    groups.set(group, members);
  };
  informer.addHandler({ added: note, updated: note, deleted: (pod) => forget(objectKey(pod)) });
  const get = (group: string) => [...(groups.get(group)?.values() ?? [])];
  return { of: (uid) => (uid ? get(uid) : []), orphans: (namespace) => get(`orphans of ${namespace}`) };
}
