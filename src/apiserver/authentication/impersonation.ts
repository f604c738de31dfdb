// `kubectl --as`: acting as another user, for who may impersonate that user, its groups, uid and extra fields.
import { dropOldest } from '../../apimachinery/drop-oldest.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { setKey } from '../../apimachinery/json/value.ts';
import { badRequest, StatusError } from '../../apimachinery/status.ts';
import { ownValue } from '../../apimachinery/table.ts';
import type { Attributes, Authorizer, Impersonated } from '../access-control.ts';
import { headerText } from '../header-text.ts';
import { type ApiRequest, headerValues, type User } from '../request.ts';
import { unescaped } from '../unescaped.ts';
import { impersonateBy, modes } from './impersonation-modes.ts';

type Headers = Pick<ApiRequest, 'headers' | 'rawHeaders'>;
const extraPrefix = 'impersonate-extra-';
/** Of how many users it is remembered in which mode they impersonate. */
const rememberedUsers = 10_000;

/** Whether the headers ask for it at all: most do not. */
export function asksForImpersonation({ headers }: Headers): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

/** As the headers have it; undefined: nobody. Throws a 400 StatusError where they name no user. */
function wantedUser(request: Headers): User | undefined {
  const { headers } = request;
  // Of several the first, as Go takes it.
  const [name = ''] = valuesOf(request, 'impersonate-user');
  const [uid = ''] = valuesOf(request, 'impersonate-uid');
  const groups = valuesOf(request, 'impersonate-group');
  const extra: Record<string, readonly string[]> = {};
  for (const header of Object.keys(headers)) {
    if (!header.startsWith(extraPrefix)) continue;
    const key = unescaped(header.slice(extraPrefix.length));
    setKey(extra, key, [...(ownValue(extra, key) ?? []), ...valuesOf(request, header)]);
  }
  const hasExtra = Object.keys(extra).length > 0;
  const wanted = { name, ...(uid && { uid }), groups, ...(hasExtra && { extra }) };
  if (name) return wanted;
  if (!uid && groups.length === 0 && !hasExtra) return undefined;
  const { status } = badRequest(`requested ${printedUser(wanted)} without impersonating a user name`);
  throw new StatusError(status, { 'x-content-type-options': 'nosniff' });
}

/** Also those that are empty: they ask for something, and are refused. */
function valuesOf(request: Headers, name: string): readonly string[] {
  const values = headerValues(request, name);
  const found = values.length === 0 && request.headers[name] !== undefined ? [''] : values;
  return found.map(headerText);
}

/** As Go prints the structure (`%#v`). */
function printedUser({ name, uid = '', groups, extra }: User): string {
  const list = (values: readonly string[]) => `[]string{${values.map(quoted).join(', ')}}`;
  const pairs = Object.entries(extra ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const map = `{${pairs.map(([key, values]) => `${quoted(key)}:${list(values)}`).join(', ')}}`;
  const printedGroups = groups.length > 0 ? list(groups) : '[]string(nil)';
  const printedExtra = `map[string][]string${extra ? map : '(nil)'}`;
  return `&user.DefaultInfo{Name:${quoted(name)}, UID:${quoted(uid)}, Groups:${printedGroups}, Extra:${printedExtra}}`;
}

/** Remembers which users impersonate by which mode: that mode is tried first, and its refusal is what they hear. */
export class Impersonator {
  readonly #authorizer: Authorizer;
  readonly #lastMode = new Map<string, number>();

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  /** Undefined: the request asks for nobody. Throws 400 and 403 StatusErrors. */
  async impersonate(request: Headers, asking: Attributes): Promise<Impersonated | undefined> {
    const wanted = wantedUser(request);
    if (!wanted) return undefined;
    const { user } = asking;
    const last = this.#lastMode.get(user.name);
    const order = [...modes.keys()];
    if (last !== undefined) order.unshift(...order.splice(last, 1));
    let refusal: unknown;
    for (const index of order) {
      const mode = modes[index];
      if (!mode?.applies(wanted, user)) continue;
      try {
        const found = await impersonateBy(mode, wanted, { asking, authorizer: this.#authorizer });
        this.#remember(user.name, index);
        return found;
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal;
  }

  #remember(name: string, index: number): void {
    this.#lastMode.delete(name);
    this.#lastMode.set(name, index);
    dropOldest(this.#lastMode, rememberedUsers);
  }
}
