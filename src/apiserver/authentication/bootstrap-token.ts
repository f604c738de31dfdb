// Bootstrap tokens: Secrets `kube-system/bootstrap-token-<id>` with which agents introduce themselves.
import { timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { User } from '../request.ts';

type SecretObject = Secret & KubeObject;

const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** `<id>.<secret>` in its two halves; undefined for what is no bootstrap token. */
export function parseBootstrapToken(token: string): { readonly id: string; readonly secret: string } | undefined {
  const match = tokenPattern.exec(token);
  return match ? { id: match[1]!, secret: match[2]! } : undefined;
}

/** The name of the Secret that holds a token, in kube-system. */
export function bootstrapSecretName(id: string): string {
  return `bootstrap-token-${id}`;
}

/** The token's user when the Secret vouches for it at this time (ms since the epoch), else undefined. */
export function bootstrapUser(
  { id, secret }: { readonly id: string; readonly secret: string },
  object: Readonly<SecretObject> | undefined,
  now: number,
): User | undefined {
  if (object?.type !== 'bootstrap.kubernetes.io/token' || object.metadata.deletionTimestamp) return undefined;
  const field = (name: string) => Buffer.from(object.data?.[name] ?? '', 'base64').toString();
  const expected = Buffer.from(field('token-secret'));
  const given = Buffer.from(secret);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
  if (field('token-id') !== id || field('usage-bootstrap-authentication') !== 'true') return undefined;
  const expiration = field('expiration');
  if (expiration !== '' && !(Date.parse(expiration) > now)) return undefined;
  const extra = field('auth-extra-groups').split(',').filter(Boolean);
  if (extra.some((group) => !groupPattern.test(group))) return undefined;
  return { name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra] };
}
