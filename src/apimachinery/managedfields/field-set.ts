// Sets of field paths (FieldsV1). A set is kept in the form it has on the wire, a tree of JSON objects, so that reading
// and writing cost nothing:
//   keys     f:<name> a field or map key, k:<json> a list item by its keys, v:<json> a list item by its value
//   {}       below a key: that path is in the set
//   {".":{}, …}  the path is in the set and so are paths below it; without ".", only those below it are
// Sets are values: no operation changes its arguments.
import { isEmptyObject, isObject } from '../json/value.ts';
import { canonicalElement, compareElements, printElement } from './path-element.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** Path elements from the root: `['f:spec', 'f:replicas']`. */
export type FieldPath = readonly string[];

export const emptySet: FieldSet = Object.freeze({});

/**
 * A value from outside as a set: every element in the form that ours have, what is not known left out. Undefined when it is
 * no set.
 */
export function readFieldSet(value: unknown): FieldSet | undefined {
  const set = readNode(value);
  return set === undefined ? undefined : rootOf(set);
}

function readNode(value: unknown): FieldSet | undefined {
  if (value === null) return emptySet;
  if (!isObject(value)) return undefined;
  const children: Record<string, FieldSet> = {};
  for (const key in value) {
    const element = key === '.' ? key : canonicalElement(key);
    if (element === undefined) return undefined;
    if (element === 'unknown') continue;
    const below = key === '.' ? emptySet : readNode(value[key]);
    if (below === undefined) return undefined;
    children[element] = below;
  }
  const { '.': self, ...others } = children;
  return node(self !== undefined, others) ?? emptySet;
}

/** The root itself is never in a set. */
export function rootOf(set: FieldSet): FieldSet {
  if (set['.'] === undefined) return set;
  const { '.': _, ...below } = set;
  return below;
}

export function isEmptySet(set: FieldSet): boolean {
  return isEmptyObject(set);
}

/** Is the path that this node stands for in the set (and not only paths below it)? */
export function isMember(node: FieldSet): boolean {
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
  // Fields stand in the order of their texts, which is found faster.
  if (!isOrdered(children)) {
    if (keys.every(isField)) sortTexts(keys);
    else keys.sort(compareElements);
  }
  for (const key of keys) result[key] = children[key]!;
  return result;
}

/** Above it, that of the language is faster. */
const fewTexts = 16;

/** Sorts in place. Objects have few keys, mostly in order, for which the language's own makes more copies than it takes steps. */
export function sortTexts(texts: string[]): void {
  if (texts.length > fewTexts) {
    texts.sort();
    return;
  }
  for (let i = 1; i < texts.length; i++) {
    const text = texts[i]!;
    let at = i;
    for (; at > 0 && texts[at - 1]! > text; at--) texts[at] = texts[at - 1]!;
    texts[at] = text;
  }
}

function isOrdered(children: Record<string, FieldSet>): boolean {
  let last: string | undefined;
  for (const key in children) {
    if (last !== undefined && (isField(key) ? key < last : compareElements(last, key) > 0)) return false;
    last = key;
  }
  return true;
}

/** The elements in upstream's order, a member first: the node itself where they are. */
export function inOrder(node: Record<string, FieldSet>): FieldSet {
  if (isOrdered(node)) return node;
  const result: Record<string, FieldSet> = {};
  for (const key of Object.keys(node).sort(compareElements)) result[key] = node[key]!;
  return result;
}

function isField(element: string): boolean {
  return element.charCodeAt(0) === 0x66;
}

/** The set with its elements in the order of their texts, as a custom resource is written. */
export function inTextOrder(set: FieldSet): FieldSet {
  const keys = Object.keys(set);
  let changed = keys.some((key, i) => i > 0 && keys[i - 1]! > key);
  const result: Record<string, FieldSet> = {};
  for (const key of changed ? keys.sort() : keys) {
    result[key] = inTextOrder(set[key]!);
    changed ||= result[key] !== set[key];
  }
  return changed ? result : set;
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
  return subtract(a, b, false, false) ?? emptySet;
}

/** Paths of `a` that are not in `b` and not below a path in `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return subtract(a, b, false, true) ?? emptySet;
}

/** `takesBelow`: a path in `b` takes away those below it too. */
function subtract(a: FieldSet, b: FieldSet, keepMember: boolean, takesBelow: boolean): FieldSet | undefined {
  let children: Children;
  for (const key in a) {
    if (key === '.') continue;
    const mine = a[key]!;
    const other = b[key];
    let left: FieldSet | undefined = mine;
    if (other !== undefined) {
      const isTaken = isMember(other);
      left = isTaken && takesBelow ? undefined : subtract(mine, other, isMember(mine) && !isTaken, takesBelow);
    }
    if (left === undefined) continue;
    children ??= {};
    children[key] = left;
  }
  return node(keepMember, children);
}

/** An element of a pattern that stands for any. */
export const anyElement = '*';

/** Paths of the set that lead to, or come after, what one of the patterns names. */
export function matching(set: FieldSet, patterns: readonly FieldPath[]): FieldSet {
  let children: Children;
  for (const key in set) {
    const rest = patterns.filter(([first]) => first === key || first === anyElement).map((path) => path.slice(1));
    if (rest.length === 0 || key === '.') continue;
    const mine = set[key]!;
    const kept = rest.some((path) => path.length === 0)
      ? mine
      : node(isMember(mine), matching(mine, rest) as Record<string, FieldSet>);
    if (kept === undefined) continue;
    children ??= {};
    children[key] = kept;
  }
  return node(false, children) ?? emptySet;
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

/** All paths of the set: at each place first those that end there, then those that go on. */
export function pathsOf(set: FieldSet): FieldPath[] {
  const paths: FieldPath[] = [];
  const walk = (at: FieldSet, path: FieldPath) => {
    const elements = Object.keys(at).filter((element) => element !== '.');
    for (const element of elements) if (isMember(at[element]!)) paths.push([...path, element]);
    for (const element of elements) walk(at[element]!, [...path, element]);
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

interface MutableSet {
  member: boolean;
  readonly children: Map<string, MutableSet>;
}

/** Collects paths one by one, each in time that does not depend on how many there are. */
export class FieldSetBuilder {
  readonly #root: MutableSet = { member: false, children: new Map() };

  insert(path: FieldPath): void {
    let at = this.#root;
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
    return built(this.#root) ?? emptySet;
  }
}

function built({ member, children }: MutableSet): FieldSet | undefined {
  if (children.size === 0) return node(member, undefined);
  const below: Record<string, FieldSet> = {};
  for (const [key, child] of children) below[key] = built(child) ?? emptySet;
  return node(member, below);
}
