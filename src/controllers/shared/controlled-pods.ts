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
  const groups = new Map<string, Set<string>>();
  const groupOf = new Map<string, string>();
  const forget = (pod: Readonly<Pod>) => {
    const key = objectKey(pod);
    const group = groupOf.get(key);
    if (group === undefined) return;
    groupOf.delete(key);
    groups.get(group)?.delete(key);
    if (groups.get(group)?.size === 0) groups.delete(group);
  };
  const note = (pod: Readonly<Pod>) => {
    forget(pod);
    const key = objectKey(pod);
    const group = controllerOf(pod)?.uid ?? `orphans of ${pod.metadata.namespace}`;
    groupOf.set(key, group);
    const keys = groups.get(group) ?? new Set<string>();
    keys.add(key);
    groups.set(group, keys);
  };
  informer.addHandler({ added: note, updated: note, deleted: forget });
  const get = (group: string) => {
    const found: Readonly<Pod>[] = [];
    for (const key of groups.get(group) ?? []) {
      const [namespace = '', name = ''] = key.split('/');
      const pod = informer.lister.get(name, namespace);
      if (pod) found.push(pod);
    }
    return found;
  };
  return { of: (uid) => (uid ? get(uid) : []), orphans: (namespace) => get(`orphans of ${namespace}`) };
}
