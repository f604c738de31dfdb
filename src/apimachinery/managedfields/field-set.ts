// Sets of field paths (FieldsV1). A set is kept in the form it has on the wire, a tree of JSON objects, so that reading
// and writing cost nothing:
//   keys     f:<name> a field or map key, k:<json> a list item by its keys, v:<json> a list item by its value
//   {}       below a key: that path is in the set
//   {".":{}, …}  the path is in the set and so are paths below it; without ".", only those below it are
// Sets are values: no operation changes its arguments.
import { isObject, jsonEqual } from '../json/value.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** Path elements from the root: `['f:spec', 'f:replicas']`. */
export type FieldPath = readonly string[];

export const emptySet: FieldSet = Object.freeze({});

/** Whether a value from outside is a set: every key says what it is, and can be read. */
export function isFieldSet(value: unknown): value is FieldSet {
  if (!isObject(value)) return false;
  for (const key in value) if (!isElement(key) || !isFieldSet(value[key])) return false;
  return true;
}

function isElement(key: string): boolean {
  if (key === '.' || key.startsWith('f:')) return true;
  if (key.startsWith('i:')) return /^i:-?\d+$/.test(key);
  if (!key.startsWith('v:') && !key.startsWith('k:')) return false;
  try {
    const value: unknown = JSON.parse(key.slice(2));
    return key.startsWith('v:') || isObject(value);
  } catch {
    return false;
  }
}

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Is the path that this node stands for in the set (and not only paths below it)? */
function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmptySet(node);
}

export function hasPath(set: FieldSet, path: FieldPath): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

/** What stands below a place while a set is made; undefined where nothing does. */
export type Children = Record<string, FieldSet> | undefined;

/**
 * The node of the given membership and children, in upstream's order; undefined when nothing is left of it. The children
 * become part of it.
 */
export function node(member: boolean, children: Children): FieldSet | undefined {
  if (children === undefined || isEmptySet(children)) return member ? emptySet : undefined;
  // Mostly they come in order.
  if (!member && isOrdered(children)) return children;
  const result: Record<string, FieldSet> = {};
  if (member) result['.'] = emptySet;
  const keys = Object.keys(children);
  if (!isOrdered(children)) keys.sort();
  for (const key of keys) result[key] = children[key]!;
  return result;
}

function isOrdered(children: Record<string, FieldSet>): boolean {
  let last = '';
  for (const key in children) {
    if (key < last) return false;
    last = key;
  }
  return true;
}

/** Paths in either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  return joined(a, b, { aMember: false, bMember: false });
}

function joined(a: FieldSet, b: FieldSet, at: { aMember: boolean; bMember: boolean }): FieldSet {
  const { '.': _, ...children } = a as Record<string, FieldSet>;
  for (const key in b) {
    if (key === '.') continue;
    const other = children[key];
    const mine = b[key]!;
    children[key] = other ? joined(other, mine, { aMember: isMember(other), bMember: isMember(mine) }) : mine;
  }
  return node(at.aMember || at.bMember, children) ?? emptySet;
}

/** Paths of `a` that are not in `b`; a path in `b` does not take away those below it. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return subtract(a, b, false) ?? emptySet;
}

function subtract(a: FieldSet, b: FieldSet, keepMember: boolean): FieldSet | undefined {
  let children: Children;
  for (const key in a) {
    if (key === '.') continue;
    const mine = a[key]!;
    const other = b[key];
    const left = other === undefined ? mine : subtract(mine, other, isMember(mine) && !isMember(other));
    if (left === undefined) continue;
    children ??= {};
    children[key] = left;
  }
  return node(keepMember, children);
}

/** Paths of `a` that are not in `b` and not below a path in `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return cut(a, b, false) ?? emptySet;
}

function cut(a: FieldSet, b: FieldSet, keepMember: boolean): FieldSet | undefined {
  let children: Children;
  for (const key in a) {
    if (key === '.') continue;
    const mine = a[key]!;
    const other = b[key];
    if (other !== undefined && isMember(other)) continue;
    const left = other === undefined ? mine : cut(mine, other, isMember(mine));
    if (left === undefined) continue;
    children ??= {};
    children[key] = left;
  }
  return node(keepMember, children);
}

/** Paths in both sets. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return common(a, b, false) ?? emptySet;
}

function common(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  let children: Children;
  for (const key in a) {
    if (key === '.') continue;
    const mine = a[key]!;
    const other = b[key];
    if (other === undefined) continue;
    const both = common(mine, other, isMember(mine) && isMember(other));
    if (both === undefined) continue;
    children ??= {};
    children[key] = both;
  }
  return node(member, children);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return jsonEqual(a, b);
}

/** All paths of the set, in the order of its text. */
export function pathsOf(set: FieldSet): FieldPath[] {
  const paths: FieldPath[] = [];
  const walk = (at: FieldSet, path: FieldPath) => {
    for (const key in at) {
      if (key === '.') continue;
      const below = [...path, key];
      if (isMember(at[key]!)) paths.push(below);
      walk(at[key]!, below);
    }
  };
  walk(set, []);
  return paths;
}

/** The set of some paths. */
export function setOf(paths: Iterable<FieldPath>): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.build();
}

/** The same node, itself in the set. */
export function withMember(set: FieldSet): FieldSet {
  return isEmptySet(set) || set['.'] !== undefined ? set : { '.': emptySet, ...set };
}

/** A path as people read it: `.spec.ports[port=80,protocol="TCP"].name`. */
export function printPath(path: FieldPath): string {
  return path.map(printElement).join('');
}

function printElement(element: string): string {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  if (element.startsWith('i:')) return `[${text}]`;
  const keys: unknown = JSON.parse(text);
  const pairs = isObject(keys) ? Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`) : [];
  return `[${pairs.join(',')}]`;
}

interface MutableSet {
  member: boolean;
  readonly children: Map<string, MutableSet>;
}

/** Collects paths one by one, each in time that does not depend on how many there are. */
export class FieldSetBuilder {
  private readonly root: MutableSet = { member: false, children: new Map() };

  insert(path: FieldPath): void {
    let at = this.root;
    for (const element of path) {
      let next = at.children.get(element);
      if (!next) {
        next = { member: false, children: new Map() };
        at.children.set(element, next);
      }
      at = next;
    }
    at.member = path.length > 0;
  }

  build(): FieldSet {
    return built(this.root) ?? emptySet;
  }
}

function built({ member, children }: MutableSet): FieldSet | undefined {
  if (children.size === 0) return node(member, undefined);
  const below: Record<string, FieldSet> = {};
  for (const [key, child] of children) below[key] = built(child) ?? emptySet;
  return node(member, below);
}
