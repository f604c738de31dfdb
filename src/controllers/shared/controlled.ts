// Objects by the one that controls them, and those that nobody controls.
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import type { Informer } from '../../client/types.ts';
import { controllerOf } from './owners.ts';

export interface Controlled<T extends KubeObject> {
  /** By the uid of the controlling owner. */
  of(uid: string | undefined): Readonly<T>[];
  /** Without a controller, in a namespace. */
  orphans(namespace: string): Readonly<T>[];
}

const known = new WeakMap<object, Controlled<KubeObject>>();

/** One index per informer, whoever asks. */
export function controlledObjects<T extends KubeObject>(informer: Informer<T>): Controlled<T> {
  const present = known.get(informer) as Controlled<T> | undefined;
  if (present) return present;
  const made = index(informer);
  known.set(informer, made as unknown as Controlled<KubeObject>);
  return made;
}

function index<T extends KubeObject>(informer: Informer<T>): Controlled<T> {
  const groups = new Map<string, Map<string, Readonly<T>>>();
  const groupOf = new Map<string, string>();
  const forget = (key: string) => {
    const group = groupOf.get(key);
    if (group === undefined) return;
    groupOf.delete(key);
    const members = groups.get(group);
    members?.delete(key);
    if (members?.size === 0) groups.delete(group);
  };
  const note = (object: Readonly<T>) => {
    const key = objectKey(object);
    const group = controllerOf(object)?.uid ?? `orphans of ${object.metadata.namespace}`;
    if (groupOf.get(key) !== group) forget(key);
    groupOf.set(key, group);
    const members = groups.get(group) ?? new Map<string, Readonly<T>>();
    members.set(key, object);
    groups.set(group, members);
  };
  informer.addHandler({ added: note, updated: note, deleted: (object) => forget(objectKey(object)) });
  const get = (group: string) => [...(groups.get(group)?.values() ?? [])];
  return { of: (uid) => (uid ? get(uid) : []), orphans: (namespace) => get(`orphans of ${namespace}`) };
}
