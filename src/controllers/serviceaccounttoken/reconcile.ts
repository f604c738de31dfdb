import type { Secret, ServiceAccount } from '../../api/core/v1/types.generated.ts';

export const secretType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';

export interface TokenSubject {
  readonly namespace: string;
  readonly secretName: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUID: string;
}

export interface TokenSecretParts {
  /** PEM that goes in as ca.crt. */
  readonly rootCA: string;
  readonly sign: (subject: TokenSubject) => string;
}

/** The account that a Secret is for; undefined for Secrets of another type. */
export function accountOf({ type, metadata }: Readonly<Secret>): string | undefined {
  return type === secretType ? metadata.annotations?.[nameAnnotation] : undefined;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** What becomes of the Secret: put in place of the present one, deleted with its account, or left as it is. */
export function reconcile(
  secret: Readonly<Secret>,
  account: Readonly<ServiceAccount> | undefined,
  { rootCA, sign }: TokenSecretParts,
): { readonly update: Secret } | 'delete' | undefined {
  const serviceAccountName = accountOf(secret);
  if (serviceAccountName === undefined || secret.metadata.deletionTimestamp) return undefined;
  const uid = account?.metadata.uid ?? '';
  const claimed = secret.metadata.annotations?.[uidAnnotation];
  if (!account || (claimed !== undefined && claimed !== uid)) return 'delete';
  const { name: secretName, namespace = '' } = secret.metadata;
  const data: Record<string, string> = { ...secret.data };
  data.token ||= base64(sign({ namespace, secretName, serviceAccountName, serviceAccountUID: uid }));
  data['ca.crt'] = base64(rootCA);
  data.namespace ||= base64(namespace);
  const isRight = claimed === uid && Object.entries(data).every(([key, value]) => secret.data?.[key] === value);
  if (isRight) return undefined;
  const annotations = { ...secret.metadata.annotations, [uidAnnotation]: uid };
  return { update: { ...secret, metadata: { ...secret.metadata, annotations }, data } };
}
