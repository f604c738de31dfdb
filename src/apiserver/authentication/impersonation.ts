// `kubectl --as`: acting as another user, for who may impersonate that user, its groups, uid and extra fields.
import { setKey } from '../../apimachinery/json/value.ts';
import { badRequest, forbidden, StatusError } from '../../apimachinery/status.ts';
import { forbiddenReason } from '../authorization/messages.ts';
import type { Authorizer } from '../extensions.ts';
import { type ApiRequest, headerValues, type User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';

type Headers = Pick<ApiRequest, 'headers' | 'rawHeaders'>;
const extraPrefix = 'impersonate-extra-';

/** Whether the headers ask for it at all: most do not. */
export function asksForImpersonation({ headers }: Headers): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}

/** The user to act as: the one the headers name, or the asking one. Throws 400 and 403 StatusErrors. */
export async function impersonatedUser(request: Headers, asking: User, authorizer: Authorizer): Promise<User> {
  const { headers } = request;
  const name = headers['impersonate-user'];
  const groups = headerValues(request, 'impersonate-group');
  const uid = headers['impersonate-uid'];
  const extra = Object.keys(headers).filter((header) => header.startsWith(extraPrefix));
  if (!name && groups.length === 0 && !uid && extra.length === 0) return asking;
  if (!name) throw badRequest('requested impersonation without impersonating a user');

  const check = async (attributes: Partial<RequestInfo>) => {
    const info = impersonation(attributes);
    const decision = await authorizer.authorize({ user: asking, verb: 'impersonate', info });
    if (decision.allowed) return;
    throw forbidden(info, info.name, forbiddenReason({ user: asking, verb: 'impersonate', info }));
  };
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  if (account) await check({ resource: 'serviceaccounts', namespace: account[1]!, name: account[2]! });
  else await check({ resource: 'users', name });
  for (const group of groups) await check({ resource: 'groups', name: group });
  const authentication = { group: 'authentication.k8s.io', version: 'v1' };
  if (uid) await check({ ...authentication, resource: 'uids', name: uid });
  const fields: Record<string, readonly string[]> = {};
  for (const header of extra) {
    const key = decodeKey(header.slice(extraPrefix.length));
    const values = headerValues(request, header);
    setKey(fields, key, values);
    for (const item of values) {
      await check({ ...authentication, resource: 'userextras', subresource: key, name: item });
    }
  }
  return {
    name,
    ...(uid && { uid }),
    groups: impersonatedGroups(name, groups, account?.[1]),
    ...(extra.length > 0 && { extra: fields }),
  };
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw new StatusError({ code: 400, reason: 'BadRequest', message: `invalid impersonation header key ${key}` });
  }
}

function impersonatedGroups(name: string, asked: readonly string[], namespace: string | undefined): string[] {
  const groups = [...asked];
  if (groups.length === 0 && namespace !== undefined) {
    groups.push('system:serviceaccounts', `system:serviceaccounts:${namespace}`);
  }
  const standing = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  const already = ['system:authenticated', 'system:unauthenticated'].some((group) => groups.includes(group));
  return already ? groups : [...groups, standing];
}

function impersonation(attributes: Partial<RequestInfo>): RequestInfo {
  return {
    isResource: true,
    verb: 'impersonate',
    path: '',
    group: '',
    version: 'v1',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    rest: [],
    ...attributes,
  };
}
