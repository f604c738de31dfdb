// The position of a paged list, in upstream's form: base64url of {"v","rv","start"}.
import { posix } from 'node:path';
import { JsonSyntaxError, scanJson } from '../../apimachinery/json/go-syntax.ts';
import { badRequest } from '../../apimachinery/status.ts';

export interface ContinuePosition {
  /** The revision that all pages show; {@link latest} for the present, where that one is forgotten. */
  readonly revision: number;
  /** The last key that was answered, without the prefix of the list. */
  readonly after: string;
}

const version = 'meta.k8s.io/v1';

/** In place of a revision: go on with what there is now, though it may not fit the pages before. */
export const latest = -1;

export function encodeContinue({ revision, after }: ContinuePosition): string {
  return Buffer.from(JSON.stringify({ v: version, rv: revision, start: `${after}\u0000` })).toString('base64url');
}

function refuse(why: string): Error {
  return badRequest(`invalid continue token: ${why}`);
}

export function decodeContinue(token: string): ContinuePosition {
  const wrong = /[^A-Za-z0-9_-]/.exec(token);
  if (wrong) throw refuse(`continue key is not valid: illegal base64 data at input byte ${wrong.index}`);
  const text = Buffer.from(token, 'base64url').toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(`continue key is not valid: ${syntaxError(Buffer.from(token, 'base64url').toString('latin1'))}`);
  }
  const { v, rv, start } = (value ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== version) {
    throw refuse(`continue key is not valid: server does not recognize this encoded version ${String(v ?? '')}`);
  }
  if (typeof rv !== 'number' || !Number.isInteger(rv) || (rv <= 0 && rv !== latest)) {
    throw refuse('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (typeof start !== 'string' || start === '') {
    throw refuse('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  }
  // No way up and out of the list.
  const key = start.startsWith('/') ? start : `/${start}`;
  if (posix.normalize(key) !== key) throw refuse(`continue key is not valid: ${start}`);
  return { revision: rv, after: start.endsWith('\u0000') ? start.slice(0, -1) : start };
}

function syntaxError(text: string): string {
  try {
    scanJson(text);
    return 'not JSON';
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
}
