// The position of a paged list, in upstream's form: base64url of {"v","rv","start"}.
import { posix } from 'node:path';
import { JsonSyntaxError, scanJson } from '../../apimachinery/json/go-syntax.ts';
import { isObject } from '../../apimachinery/json/value.ts';
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
  const { v, rv, start } = tokenOf(value);
  if (v !== version) throw refuse(`continue key is not valid: server does not recognize this encoded version ${v}`);
  if (rv <= 0 && rv !== latest) {
    throw refuse('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  if (start === '') {
    throw refuse('continue key is not valid: encoded start key empty (version meta.k8s.io/v1)');
  }
  // No way up and out of the list.
  const key = start.startsWith('/') ? start : `/${start}`;
  if (posix.normalize(key) !== key) throw refuse(`continue key is not valid: ${start}`);
  return { revision: rv, after: start.endsWith('\u0000') ? start.slice(0, -1) : start };
}

const tokenTypes = { v: 'string', rv: 'int64', start: 'string' };

/** As Go reads a token: names of fields in any case, null and nothing at all are empty. */
function tokenOf(value: unknown): { readonly v: string; readonly rv: number; readonly start: string } {
  if (value !== null && !isObject(value)) {
    throw refuse(
      `continue key is not valid: json: cannot unmarshal ${jsonKind(value)} into Go value of type storage.continueToken`,
    );
  }
  const token = { v: '', rv: 0, start: '' };
  for (const [key, given] of Object.entries(value ?? {})) {
    const field = key.toLowerCase();
    if (given === null || !isTokenField(field)) continue;
    const fits = field === 'rv' ? Number.isInteger(given) : typeof given === 'string';
    if (!fits) {
      const kind = typeof given === 'number' && field === 'rv' ? `number ${given}` : jsonKind(given);
      const why = `json: cannot unmarshal ${kind} into Go struct field continueToken.${field} of type ${tokenTypes[field]}`;
      throw refuse(`continue key is not valid: ${why}`);
    }
    Object.assign(token, { [field]: given });
  }
  return token;
}

const isTokenField = (name: string): name is keyof typeof tokenTypes => Object.hasOwn(tokenTypes, name);

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function syntaxError(text: string): string {
  try {
    scanJson(text, { isLatin1: true });
    return 'not JSON';
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
}
