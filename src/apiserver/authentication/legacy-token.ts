// Tokens that live in Secrets of type kubernetes.io/service-account-token: without an end and an audience, good as long as
// the Secret holds them and the account exists. Still made by hand (a Secret that names an account) for what runs outside.
import type { KeyObject } from 'node:crypto';
import type { Secret } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import type { ObjectView } from '../object-view.ts';
import type { User } from '../request.ts';
import { payloadOf, signClaims, verifySignature } from './service-account-token.ts';

const issuer = 'kubernetes/serviceaccount';
const prefix = 'kubernetes.io/serviceaccount/';
const core = (resource: string) => ({ group: '', resource });

export interface LegacyTokenSubject {
  readonly namespace: string;
  readonly secretName: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUID: string;
}

/** The token that belongs into the Secret, signed with a private key. */
export function signLegacyToken(subject: LegacyTokenSubject, key: KeyObject): string {
  const { namespace, secretName, serviceAccountName, serviceAccountUID } = subject;
  const claims = {
    iss: issuer,
    [`${prefix}namespace`]: namespace,
    [`${prefix}secret.name`]: secretName,
    [`${prefix}service-account.name`]: serviceAccountName,
    [`${prefix}service-account.uid`]: serviceAccountUID,
    sub: `system:serviceaccount:${namespace}:${serviceAccountName}`,
  };
  return signClaims(claims, key);
}

function subjectOf(token: string): LegacyTokenSubject | undefined {
  const claims = payloadOf(token);
  if (claims?.iss !== issuer) return undefined;
  const text = (name: string) => String(claims[prefix + name] ?? '');
  return {
    namespace: text('namespace'),
    secretName: text('secret.name'),
    serviceAccountName: text('service-account.name'),
    serviceAccountUID: text('service-account.uid'),
  };
}

/** Whether a bearer token claims to be one. */
export function isLegacyToken(token: string): boolean {
  return payloadOf(token)?.iss === issuer;
}

/** The token's account; undefined where the key did not sign it, or its Secret or account does not vouch for it any more. */
export function legacyUser(token: string, publicKey: KeyObject, view: ObjectView): User | undefined {
  const subject = verifySignature(token, publicKey) ? subjectOf(token) : undefined;
  if (!subject) return undefined;
  const { namespace, secretName, serviceAccountName, serviceAccountUID } = subject;
  const secret = view.get<Secret & KubeObject>(core('secrets'), namespace, secretName);
  const account = view.get(core('serviceaccounts'), namespace, serviceAccountName);
  if (!secret || secret.metadata.deletionTimestamp) return undefined;
  if (Buffer.from(secret.data?.token ?? '', 'base64').toString() !== token) return undefined;
  if (account?.metadata.uid !== serviceAccountUID || account.metadata.deletionTimestamp) return undefined;
  return {
    name: `system:serviceaccount:${namespace}:${serviceAccountName}`,
    uid: serviceAccountUID,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  };
}
