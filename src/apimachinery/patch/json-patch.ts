// JSON Patch (RFC 6902) with the words of the library that kube-apiserver uses (evanphx/json-patch).
import { parseExactly } from '../json/int64.ts';
import { isObject, type JsonObject, jsonEqual, setKey } from '../json/value.ts';

/** The patch cannot be read: 400 BadRequest. */
export class PatchSyntaxError extends Error {}

/** The patch can be read but not applied to this object: 422, with no more than a general message in the API's answer. */
export class PatchApplyError extends Error {}

/** kube-apiserver's limit: more than these are refused with 413. */
export const mostOperations = 10_000;

/** Bytes of JSON that the copies of one patch may add, as kube-apiserver: a copy of a copy doubles. */
const mostCopied = 3 * 1024 * 1024;

type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

/** The patched document; the given one is not changed. Throws PatchSyntaxError or PatchApplyError. */
export function applyJsonPatch(document: unknown, patch: unknown): unknown {
  const work: Work = { own: new WeakSet(), copied: 0 };
  let result = document;
  for (const operation of parse(patch)) result = applyOne(result, operation, work);
  return result;
}

/** One application of a patch. */
interface Work {
  /** Objects and lists that are copies already and may be changed: else each operation on a long list copies it. */
  readonly own: WeakSet<object>;
  copied: number;
}

function parse(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    const what = isObject(patch) ? 'object' : typeof patch === 'boolean' ? 'bool' : typeof patch;
    throw new PatchSyntaxError(
      `error decoding patch: json: cannot unmarshal ${what} into Go value of type jsonpatch.Patch`,
    );
  }
  return patch.map((operation: unknown) => {
    if (!isObject(operation)) {
      throw new PatchSyntaxError(
        'error decoding patch: json: cannot unmarshal into Go value of type jsonpatch.Operation',
      );
    }
    const { op, path, from } = operation;
    if (typeof path !== 'string') throw new PatchApplyError(`${op} operation missing path field`);
    switch (op) {
      case 'add':
      case 'replace':
      case 'test':
        return { op, path, value: operation.value ?? null };
      case 'remove':
        return { op, path };
      case 'move':
      case 'copy':
        if (typeof from !== 'string') throw new PatchApplyError(`${op} operation missing from field`);
        return { op, path, from };
      default:
        throw new PatchApplyError(`Unexpected kind: ${String(op)}`);
    }
  });
}

function applyOne(document: unknown, operation: Operation, work: Work): unknown {
  const { op, path } = operation;
  const tokens = pointer(path, op);
  switch (operation.op) {
    case 'add':
      return change(document, tokens, { op, path, value: operation.value, work });
    case 'remove':
      return change(document, tokens, { op, path, work });
    case 'replace':
      return change(document, tokens, { op, path, value: operation.value, work });
    case 'test':
      if (!jsonEqual(read(document, tokens, op, path), operation.value)) {
        throw new PatchApplyError(`testing value ${path} failed`);
      }
      return document;
    case 'move': {
      const { from } = operation;
      if (path.startsWith(`${from}/`))
        throw new PatchApplyError(`error in move for path: '${path}': from is its parent`);
      const source = pointer(from, op);
      const value = read(document, source, op, from);
      const without = change(document, source, { op: 'remove', path: from, work });
      return change(without, tokens, { op: 'add', path, value, work });
    }
    case 'copy':
      return change(document, tokens, {
        op: 'add',
        path,
        value: copyOf(read(document, pointer(operation.from, op), op, operation.from), work),
        work,
      });
  }
}

function copyOf(value: unknown, work: Work): unknown {
  const text = JSON.stringify(value);
  work.copied += Buffer.byteLength(text);
  if (work.copied > mostCopied) {
    throw new PatchApplyError(
      `Unable to copy, the accumulated size increase of copy is ${work.copied}, exceeding the limit ${mostCopied}`,
    );
  }
  return parseExactly(text);
}

/** RFC 6901. */
function pointer(path: string, op: string): string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw missing(op, path);
  return path
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function missing(op: string, path: string): PatchApplyError {
  return new PatchApplyError(`${op} operation does not apply: doc is missing path: "${path}": missing value`);
}

function read(document: unknown, tokens: readonly string[], op: string, path: string): unknown {
  let value = document;
  for (const token of tokens) {
    if (Array.isArray(value)) value = value[index(token, value.length - 1, path)];
    else if (isObject(value) && Object.hasOwn(value, token)) value = value[token];
    else if (op === 'test') return null;
    else throw missing(op, path);
  }
  return value;
}

/** The place of an item in a list of `last + 1`. */
function index(token: string, last: number, path: string): number {
  if (!/^(0|[1-9][0-9]*)$/.test(token)) {
    throw new PatchApplyError(
      `invalid array index in path: "${path}": strconv.Atoi: parsing ${JSON.stringify(token)}: invalid syntax`,
    );
  }
  const position = Number(token);
  if (position > last) throw new PatchApplyError(`Unable to access invalid index: ${token}: invalid index referenced`);
  return position;
}

interface Change {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
  readonly work: Work;
}

/** Copies the way down to the changed place, where that is not yet done; all else is shared. */
function change(document: unknown, tokens: readonly string[], what: Change): unknown {
  const [token, ...rest] = tokens;
  if (token === undefined) {
    if (what.op === 'remove') throw new PatchApplyError(`error in remove for path: '${what.path}'`);
    return what.value;
  }
  if (Array.isArray(document)) return changeList(document, token, rest, what);
  if (!isObject(document)) throw missing(what.op, what.path);
  if ((rest.length > 0 || what.op !== 'add') && !Object.hasOwn(document, token)) throw missing(what.op, what.path);
  const value = rest.length > 0 ? change(document[token], rest, what) : what.value;
  const copy = owned<Record<string, unknown>>(document, what.work);
  if (rest.length === 0 && what.op === 'remove') delete copy[token];
  else setKey(copy, token, value);
  return copy;
}

function changeList(list: readonly unknown[], token: string, rest: readonly string[], what: Change): unknown[] {
  if (rest.length === 0 && what.op === 'add') {
    const at = token === '-' ? list.length : index(token, list.length, what.path);
    const copy = owned<unknown[]>(list, what.work);
    copy.splice(at, 0, what.value);
    return copy;
  }
  const at = index(token, list.length - 1, what.path);
  const value = rest.length > 0 ? change(list[at], rest, what) : what.value;
  const copy = owned<unknown[]>(list, what.work);
  if (rest.length === 0 && what.op === 'remove') copy.splice(at, 1);
  else copy[at] = value;
  return copy;
}

function owned<T extends object>(value: Readonly<JsonObject> | readonly unknown[], { own }: Work): T {
  if (own.has(value)) return value as T;
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as JsonObject) };
  own.add(copy);
  return copy as T;
}
