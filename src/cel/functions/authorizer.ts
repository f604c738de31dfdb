// `authorizer.group('').resource('pods').check('create').allowed()`: questions to the API server's authorizer.
import { dns1123Label, dns1123Subdomain } from '../../apimachinery/validation/names.ts';
import { CelError } from '../errors.ts';
import { member, type Overload } from '../overload.ts';
import { Opaque } from '../values.ts';

export interface AuthorizerQuestion {
  /** Undefined: the user of the request. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  /** Set for non-resource paths. */
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly verb: string;
}

export interface AuthorizerDecision {
  readonly allowed: boolean;
  readonly reason?: string;
  readonly error?: string;
}

export type Authorize = (question: AuthorizerQuestion) => AuthorizerDecision;

interface Asking extends Omit<AuthorizerQuestion, 'verb'> {
  readonly authorize: Authorize;
}

const prefix = 'kubernetes.authorization';

/** The variable `authorizer`. */
export function authorizerValue(authorize: Authorize): Opaque {
  return new Opaque<Asking>(`${prefix}.Authorizer`, { authorize }) as Opaque;
}

/** The variable `authorizer.requestResource`. */
export function resourceCheckValue(authorize: Authorize, about: Omit<AuthorizerQuestion, 'verb'>): Opaque {
  return new Opaque<Asking>(`${prefix}.ResourceCheck`, { ...about, authorize }) as Opaque;
}

type Asked = Opaque<Asking>;

function step(kind: string, asked: Asked, more: Partial<Asking>): Asked {
  return new Opaque(`${prefix}.${kind}`, { ...asked.content, ...more });
}

function nonEmpty(text: string, what: string): string {
  if (text.trim() === '') throw new CelError(`${what} must not be empty`);
  return text;
}

function serviceAccount(asked: Asked, namespace: string, name: string): Asked {
  if (dns1123Subdomain(name).length > 0) throw new CelError('Invalid service account name');
  if (dns1123Label(namespace).length > 0) throw new CelError('Invalid service account namespace');
  return step('Authorizer', asked, { serviceAccount: { namespace, name } });
}

function check({ content }: Asked, verb: string): Opaque<AuthorizerDecision> {
  const { authorize, ...question } = content;
  return new Opaque(`${prefix}.Decision`, authorize({ ...question, verb }));
}

export function authorizerFunctions(): Overload[] {
  type D = Opaque<AuthorizerDecision>;
  const part = (name: keyof Asking) =>
    member(`ResourceCheck.${name}(string): ResourceCheck`, (a: Asked, value: string) =>
      step('ResourceCheck', a, { [name]: value }),
    );
  return [
    member('Authorizer.path(string): PathCheck', (a: Asked, path: string) =>
      step('PathCheck', a, { path: nonEmpty(path, 'path') }),
    ),
    member('Authorizer.group(string): GroupCheck', (a: Asked, group: string) => step('GroupCheck', a, { group })),
    member('Authorizer.serviceAccount(string, string): Authorizer', serviceAccount),
    member('GroupCheck.resource(string): ResourceCheck', (a: Asked, resource: string) =>
      step('ResourceCheck', a, { resource: nonEmpty(resource, 'resource') }),
    ),
    part('subresource'),
    part('namespace'),
    part('name'),
    part('fieldSelector'),
    part('labelSelector'),
    member('PathCheck.check(string): Decision', check),
    member('ResourceCheck.check(string): Decision', check),
    member('Decision.allowed(): bool', ({ content }: D) => content.allowed),
    member('Decision.reason(): string', ({ content }: D) => content.reason ?? ''),
    member('Decision.errored(): bool', ({ content }: D) => content.error !== undefined),
    member('Decision.error(): string', ({ content }: D) => content.error ?? ''),
  ];
}
