// Who may act as whom. Rights may be given for single sorts of users and single verbs (constrained impersonation, KEP-5284:
// `impersonate:user-info` for the user and `impersonate-on:user-info:get` for what is done as that user), or, as ever, with the verb
// `impersonate` for all at once.
import { aggregate } from '../../apimachinery/aggregate.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../apimachinery/validation/names.ts';
import type { Attributes, Authorizer, Impersonated } from '../access-control.ts';
import { forbiddenError } from '../authorization/messages.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import { domainPrefixedPathErrors } from './extra-key.ts';

export interface Mode {
  /** `user-info`, or empty for the old way. */
  readonly name: string;
  readonly applies: (wanted: User, asking: User) => boolean;
}

const nodeNameKey = 'authentication.kubernetes.io/node-name';
/** From so many values on, the right to all of them is asked for before the right to each. */
const manyChecks = 4;

/** In the order in which they are tried. */
export const modes: readonly Mode[] = [
  { name: 'associated-node', applies: (wanted, asking) => onlyName(wanted) && isNodeOf(asking, wanted.name) },
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && accountOf(wanted.name) !== undefined },
  {
    name: 'user-info',
    applies: ({ name }) => nodeOf(name) === undefined && accountOf(name) === undefined,
  },
  { name: '', applies: () => true },
];

/** Throws a StatusError 403 where the mode does not allow it. */
export async function impersonateBy(
  mode: Mode,
  wanted: User,
  { asking, authorizer }: { readonly asking: Attributes; readonly authorizer: Authorizer },
): Promise<Impersonated> {
  const { name: modeName } = mode;
  const isConstrained = modeName !== '';
  // The node's own name is of no account, and neither are the fields that only differ from node to node.
  const user = modeName === 'associated-node' ? withoutExtra(asking.user) : asking.user;
  const check = async (attributes: Attributes) => {
    const decision = await authorizer.authorize(attributes);
    if (!decision.allowed) throw forbiddenError(attributes, decision.reason);
  };
  const verb = isConstrained ? `impersonate:${modeName}` : 'impersonate';
  if (isConstrained) await check({ ...asking, user, verb: `impersonate-on:${modeName}:${asking.verb}` });
  const may = (info: Partial<RequestInfo>): Attributes => ({ user, verb, info: resourceInfo(verb, info) });
  const own = isConstrained ? 'authentication.k8s.io' : '';
  const node = isConstrained ? nodeOf(wanted.name) : undefined;
  const account = accountOf(wanted.name);
  if (account) await check(may({ group: own, resource: 'serviceaccounts', ...account }));
  else if (node === undefined) await check(may({ group: own, resource: 'users', name: wanted.name }));
  else {
    await check(may({ group: own, resource: 'nodes', name: modeName === 'associated-node' ? '*' : node }));
  }
  const group = 'authentication.k8s.io';
  if (wanted.uid) await check(may({ group, resource: 'uids', name: wanted.uid }));
  const groups = { may: (name: string) => may({ group: own, resource: 'groups', name }), check };
  await checkGroups(wanted, isConstrained, groups);
  const extra = (subresource: string, name: string) => may({ group, resource: 'userextras', subresource, name });
  await checkExtra(wanted, isConstrained, { may: extra, check });
  const actual = node === undefined ? withAccountGroups(wanted, account) : { ...wanted, groups: ['system:nodes'] };
  return { user: withStandingGroup(actual), constraint: isConstrained ? verb : '' };
}

type Check = (attributes: Attributes) => Promise<void>;

async function checkGroups(
  { groups }: User,
  isConstrained: boolean,
  { may, check }: { readonly may: (name: string) => Attributes; readonly check: Check },
): Promise<void> {
  if (isConstrained && groups.includes('')) {
    throw forbiddenError(may(''), 'impersonating the empty string group is not allowed');
  }
  if (isConstrained && groups.includes('system:masters')) {
    throw forbiddenError(may('system:masters'), 'impersonating the system:masters group is not allowed');
  }
  if (isConstrained && groups.length >= manyChecks && (await isAllowed(check, may('*')))) return;
  for (const name of groups) await check(may(name));
}

async function checkExtra(
  { extra = {} }: User,
  isConstrained: boolean,
  { may, check }: { readonly may: (key: string, value: string) => Attributes; readonly check: Check },
): Promise<void> {
  const pairs = Object.entries(extra).flatMap(([key, values]) => values.map((value) => [key, value] as const));
  const wrong = isConstrained ? wrongExtra(extra) : undefined;
  if (wrong !== undefined) throw forbiddenError(may('', ''), wrong);
  const isMany = Object.keys(extra).length >= manyChecks || pairs.length >= manyChecks;
  if (isConstrained && isMany && (await isAllowed(check, may('*', '*')))) return;
  for (const [key, value] of pairs) await check(may(key, value));
}

function wrongExtra(extra: NonNullable<User['extra']>): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (key === '') return 'impersonating the empty string key in extra is not allowed';
    const errors = domainPrefixedPathErrors('extra.key', key).map(fieldErrorMessage);
    if (errors.length > 0) return `impersonating an invalid key in extra is not allowed: ${aggregate(errors)}`;
    if (key !== key.toLowerCase()) return `impersonating a non-lowercase key in extra is not allowed: ${quoted(key)}`;
    if (values.length === 0) return 'impersonating empty values in extra is not allowed';
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

async function isAllowed(check: Check, attributes: Attributes): Promise<boolean> {
  try {
    await check(attributes);
    return true;
  } catch {
    // Each is asked for by itself then.
    return false;
  }
}

function onlyName({ uid, groups, extra = {} }: User): boolean {
  return !uid && groups.length === 0 && Object.keys(extra).length === 0;
}

function nodeOf(name: string): string | undefined {
  const node = /^system:node:(.*)$/s.exec(name)?.[1];
  return node !== undefined && dns1123Subdomain(node).length === 0 ? node : undefined;
}

function accountOf(name: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name) ?? [];
  if (namespace === undefined || account === undefined) return undefined;
  const errors = [...dns1123Label(namespace), ...dns1123Subdomain(account)];
  return errors.length === 0 ? { namespace, name: account } : undefined;
}

/** A service account whose token says on which node its pod runs. */
function isNodeOf({ name, extra = {} }: User, wanted: string): boolean {
  const [node, ...more] = extra[nodeNameKey] ?? [];
  return accountOf(name) !== undefined && node !== undefined && more.length === 0 && node === nodeOf(wanted);
}

function withoutExtra(user: User): User {
  const keys = Object.keys(user.extra ?? {}).sort();
  return { ...user, extra: { 'authentication.kubernetes.io/associated-node-keys': keys } };
}

/** The groups that every service account has, where none are asked for. */
function withAccountGroups(wanted: User, account: { readonly namespace: string } | undefined): User {
  if (!account || wanted.groups.length > 0) return wanted;
  return { ...wanted, groups: ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] };
}

function withStandingGroup(user: User): User {
  const { name, groups } = user;
  const isAnonymous = name === 'system:anonymous';
  const standing = isAnonymous ? 'system:unauthenticated' : 'system:authenticated';
  const has = groups.includes(standing) || (!isAnonymous && groups.includes('system:unauthenticated'));
  return has ? user : { ...user, groups: [...groups, standing] };
}

function resourceInfo(verb: string, info: Partial<RequestInfo>): RequestInfo {
  const empty = {
    path: '',
    group: '',
    version: 'v1',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    rest: [],
  };
  return { isResource: true, verb, ...empty, ...info };
}
