// JSON Patch (RFC 6902) as the library takes it that kube-apiserver uses (evanphx/json-patch 4), and in its words. It is not
// strict: `replace` makes a key that is missing, a copy of a missing key is null, indexes may count from the end (`-1`).
import { isObject, type JsonObject, jsonEqual, setKey } from '../json/value.ts';
import { ownValue } from '../table.ts';
import { WrittenNumber } from './written-numbers.ts';

/** The patch cannot be read: 400 BadRequest. */
export class PatchSyntaxError extends Error {}
/** The patch can be read but not applied to this object: 422, with no more than a general message in the API's answer. */
export class PatchApplyError extends Error {}
/** A test of the patch found another value. */
export class PatchTestError extends PatchApplyError {}

/** kube-apiserver's limit: more than these are refused with 413. */
export const mostOperations = 10_000;
/** Bytes of JSON that the copies of one patch may add, as kube-apiserver: a copy of a copy doubles. */
const mostCopied = 3 * 1024 * 1024;

type Container = Record<string, unknown> | unknown[];

/** One application of a patch. */
interface Work {
  document: unknown;
  /** Objects and lists that are copies already and may be changed: else each operation on a long list copies it. */
  readonly own: WeakSet<object>;
  copied: number;
}

/** The patched document; the given one is not changed. Throws PatchSyntaxError or PatchApplyError. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const work: Work = { document, own: new WeakSet(), copied: 0 };
  for (const operation of operationsOf(patch)) apply(operation, work);
  return work.document;
}

function operationsOf(patch: unknown): JsonObject[] {
  if (patch === null) return [];
  if (!Array.isArray(patch)) throw notInto(patch, 'Patch');
  return patch.map((operation: unknown) => {
    if (operation !== null && !isObject(operation)) throw notInto(operation, 'Operation');
    return operation ?? {};
  });
}

function notInto(value: unknown, type: string): PatchSyntaxError {
  return new PatchSyntaxError(`error decoding patch: ${notA(value, `jsonpatch.${type}`)}`);
}

function notA(value: unknown, goType: string): string {
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${what} into Go value of type ${goType}`;
}

function apply(operation: JsonObject, work: Work): void {
  const op = typeof operation.op === 'string' ? operation.op : 'unknown';
  switch (op) {
    case 'add':
      add(work, { path: textOf(operation, op, 'path'), value: operation.value ?? null, op });
      break;
    case 'remove':
      remove(work, textOf(operation, op, 'path'));
      break;
    case 'replace':
      replace(work, textOf(operation, op, 'path'), operation.value);
      break;
    case 'test':
      test(work, textOf(operation, op, 'path'), operation.value ?? null);
      break;
    case 'move': {
      const value = moved(work, textOf(operation, op, 'from'));
      add(work, { path: textOf(operation, op, 'path'), value, op });
      break;
    }
    case 'copy': {
      const value = copied(work, textOf(operation, op, 'from'));
      add(work, { path: textOf(operation, op, 'path'), value, op });
      break;
    }
    default:
      throw new PatchApplyError(`Unexpected kind: ${op}`);
  }
}

function textOf(operation: JsonObject, op: string, field: 'path' | 'from'): string {
  const text = operation[field] ?? undefined;
  if (typeof text === 'string') return text;
  const says = field === 'from' ? 'operation, missing from field: ' : 'operation missing path field: ';
  const isTold = field === 'from' || ['replace', 'test', 'move'].includes(op);
  const why = !isTold ? 'missing value' : text === undefined ? `${says}missing value` : notA(text, 'string');
  throw new PatchApplyError(`${op} operation failed to decode ${field}: ${why}`);
}

function add(work: Work, { path, value, op }: { path: string; value: unknown; op: string }): void {
  const place = placeOf(work, path);
  if (!place) {
    const where = op === 'add' ? `path: "${path}"` : `destination path: ${path}`;
    throw new PatchApplyError(`${op} operation does not apply: doc is missing ${where}: missing value`);
  }
  const { container, key } = place;
  if (!Array.isArray(container)) setKey(container, key, value);
  else if (key === '-') container.push(value);
  else {
    const problem = op === 'copy' ? 'error while adding value during copy' : `error in ${op} for path: '${path}'`;
    const index = indexOf(key, container.length + 1);
    if (typeof index === 'number') container.splice(index, 0, value);
    else {
      const improper = index.startsWith('strconv') ? `value was not a proper array index: '${key}': ` : '';
      throw new PatchApplyError(`${problem}: ${improper}${index}`);
    }
  }
}

function remove(work: Work, path: string): void {
  const place = placeOf(work, path);
  if (!place)
    throw new PatchApplyError(`remove operation does not apply: doc is missing path: "${path}": missing value`);
  removeAt(place, `error in remove for path: '${path}'`);
}

function removeAt({ container, key }: Place, problem: string): void {
  if (Array.isArray(container)) container.splice(indexIn(key, container.length, problem), 1);
  else if (!Object.hasOwn(container, key)) {
    throw new PatchApplyError(`${problem}: Unable to remove nonexistent key: ${key}: missing value`);
  } else delete container[key];
}

function replace(work: Work, path: string, value: unknown): void {
  if (path === '') {
    // Of the whole document: what is no object and no list changes nothing.
    if (isContainer(value)) work.document = value;
    return;
  }
  const place = placeOf(work, path);
  if (!place)
    throw new PatchApplyError(`replace operation does not apply: doc is missing path: ${path}: missing value`);
  const { container, key } = place;
  if (!Array.isArray(container)) setKey(container, key, value ?? null);
  else {
    const index = indexOf(key, container.length);
    if (typeof index === 'string') {
      throw new PatchApplyError(`replace operation does not apply: doc is missing key: ${path}: missing value`);
    }
    container[index] = value ?? null;
  }
}

function test({ document }: Work, path: string, expected: unknown): void {
  const found = path === '' ? { value: document } : lookUp(document, path, `error in test for path: '${path}'`);
  if (!found) throw new PatchApplyError(`test operation does not apply: is missing path: ${path}: missing value`);
  if (!jsonEqual(found.value ?? null, expected)) throw new PatchTestError(`testing value ${path} failed: test failed`);
}

function moved(work: Work, from: string): unknown {
  const place = placeOf(work, from);
  if (!place)
    throw new PatchApplyError(`move operation does not apply: doc is missing from path: ${from}: missing value`);
  const { container, key } = place;
  const problem = `error in move for path: '${key}'`;
  const value = Array.isArray(container)
    ? container[indexIn(key, container.length, problem)]
    : ownValue(container, key);
  removeAt(place, problem);
  return value;
}

function copied(work: Work, from: string): unknown {
  const found = lookUp(work.document, from, `error in copy for from: '${from}'`);
  if (!found)
    throw new PatchApplyError(`copy operation does not apply: doc is missing from path: ${from}: missing value`);
  const { value } = found;
  if (value === undefined || value === null) return null;
  const text = JSON.stringify(value);
  work.copied += Buffer.byteLength(text);
  if (work.copied <= mostCopied) return JSON.parse(text);
  throw new PatchApplyError(
    `Unable to copy, the accumulated size increase of copy is ${work.copied}, exceeding the limit ${mostCopied}`,
  );
}

interface Place {
  /** May be changed. */
  readonly container: Container;
  readonly key: string;
}

/** The keys of a path (RFC 6901); what stands before the first slash is not looked at. Undefined for a path without one. */
function keysOf(path: string): string[] | undefined {
  const [, ...keys] = path.split('/');
  return keys.length === 0 ? undefined : keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Where a path leads, with copies of all containers on the way: all else of the document is shared. */
function placeOf(work: Work, path: string): Place | undefined {
  const keys = keysOf(path);
  let container = owned(work, work.document);
  const key = keys?.pop();
  if (!keys || key === undefined || !container) return undefined;
  work.document = container;
  for (const part of keys) {
    const at = Array.isArray(container) ? indexOf(part, container.length) : part;
    if (Array.isArray(container) && typeof at === 'string') return undefined;
    const next = owned(work, childOf(container, at));
    if (!next) return undefined;
    if (Array.isArray(container)) container[at as number] = next;
    else setKey(container, part, next);
    container = next;
  }
  return { container, key };
}

/** The value at a path, undefined where its last key is missing; no answer where the way to it is. */
function lookUp(document: unknown, path: string, problem: string): { readonly value: unknown } | undefined {
  const keys = keysOf(path);
  const last = keys?.pop();
  if (!keys || last === undefined) return undefined;
  let container = document;
  for (const part of keys) {
    const at = Array.isArray(container) ? indexOf(part, container.length) : part;
    if (!isContainer(container) || (Array.isArray(container) && typeof at === 'string')) return undefined;
    container = childOf(container, at);
  }
  if (!isContainer(container)) return undefined;
  return { value: childOf(container, Array.isArray(container) ? indexIn(last, container.length, problem) : last) };
}

function childOf(container: Container, at: string | number): unknown {
  return Array.isArray(container) ? container[at as number] : ownValue(container, at as string);
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null && !(value instanceof WrittenNumber);
}

function owned({ own }: Work, value: unknown): Container | undefined {
  if (!isContainer(value)) return undefined;
  if (own.has(value)) return value;
  const copy: Container = Array.isArray(value) ? [...value] : { ...value };
  own.add(copy);
  return copy;
}

function indexIn(key: string, length: number, problem: string): number {
  const index = indexOf(key, length);
  if (typeof index === 'number') return index;
  throw new PatchApplyError(`${problem}: ${index}`);
}

/** A place in a list of this length, or why it is none; negative ones count from the end. */
function indexOf(key: string, length: number): number | string {
  if (!/^[+-]?[0-9]+$/.test(key)) return `strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`;
  const index = Number(key);
  if (Math.abs(index) >= 2 ** 63) return `strconv.Atoi: parsing ${JSON.stringify(key)}: value out of range`;
  if (index >= length || index < -length) return `Unable to access invalid index: ${index}: invalid index referenced`;
  return index < 0 ? index + length : index;
}
