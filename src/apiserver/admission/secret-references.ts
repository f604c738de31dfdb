// What a pod may refer to: a service account can hold its pods to its own secrets, and a node's mirror pods refer to
// nothing of the API (upstream ServiceAccount, second phase).

import type { Container, Pod, PodSpec, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import { configMapsOf, secretsOf as podSecretsOf } from '../authorization/pod-references.ts';
import type { AdmissionRequest, AdmissionView } from './admission.ts';
import { refusalOf } from './refusal.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets';

interface Reference {
  /** As messages name it: `container c with envVar E referencing`. */
  readonly where: string;
  readonly secret: string;
}

function secretsOfContainers(kind: string, containers: readonly Container[] | undefined): Reference[] {
  return (containers ?? []).flatMap(({ name, env, envFrom }) => [
    ...(env ?? []).flatMap(({ name: variable, valueFrom }) => {
      const secret = valueFrom?.secretKeyRef?.name;
      return secret ? [{ where: `${kind} ${name} with envVar ${variable} referencing`, secret }] : [];
    }),
    ...(envFrom ?? []).flatMap(({ secretRef }) =>
      secretRef?.name ? [{ where: `${kind} ${name} with envFrom referencing`, secret: secretRef.name }] : [],
    ),
  ]);
}

function ephemeralContainersOf(spec: PodSpec): readonly Container[] {
  return (spec.ephemeralContainers ?? []) as unknown as readonly Container[];
}

function secretsOf(spec: PodSpec): Reference[] {
  return [
    ...(spec.volumes ?? []).flatMap(({ secret }) =>
      secret?.secretName ? [{ where: 'volume with', secret: secret.secretName }] : [],
    ),
    ...secretsOfContainers('init container', spec.initContainers),
    ...secretsOfContainers('container', spec.containers),
    ...secretsOfContainers('ephemeral container', ephemeralContainersOf(spec)),
  ];
}

/** Why a pod, or ephemeral containers that join it, may not refer to what they do; undefined: they may. */
export function forbiddenReference(
  spec: PodSpec,
  account: Readonly<ServiceAccount>,
  { joining }: { readonly joining: boolean },
): string | undefined {
  const { name } = account.metadata;
  const known = new Set((account.secrets ?? []).map((secret) => secret.name));
  const references = joining
    ? secretsOfContainers('ephemeral container', ephemeralContainersOf(spec))
    : secretsOf(spec);
  for (const { where, secret } of references) {
    if (known.has(secret)) continue;
    const why = `is not allowed because service account ${name} does not reference that secret`;
    return `${where} secret.secretName="${secret}" ${why}`;
  }
  if (joining) return undefined;
  const pulling = new Set((account.imagePullSecrets ?? []).map((secret) => secret.name));
  for (const [i, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if (pulling.has(secret.name)) continue;
    const why = `is not allowed because service account ${name} does not reference that imagePullSecret`;
    return `imagePullSecrets[${i}].name="${secret.name}" ${why}`;
  }
  return undefined;
}

function forbiddenInMirror(spec: PodSpec): string | undefined {
  if (spec.serviceAccountName) return 'a mirror pod may not reference service accounts';
  if (podSecretsOf(spec).length > 0) return 'a mirror pod may not reference secrets';
  if (configMapsOf(spec).length > 0) return 'a mirror pod may not reference configmaps';
  const usesToken = spec.volumes?.some(({ projected }) => projected?.sources?.some((one) => one.serviceAccountToken));
  return usesToken ? 'a mirror pod may not use ServiceAccountToken volume projections' : undefined;
}

export function checkSecretReferences(request: AdmissionRequest, view: AdmissionView): void {
  const { definition, operation, subresource, namespace, object } = request;
  if (definition.group !== '' || definition.resource !== 'pods' || !object) return;
  const joins = operation === 'UPDATE' && subresource === 'ephemeralcontainers';
  if (!joins && !(operation === 'CREATE' && subresource === '')) return;
  const { metadata, spec } = object as unknown as Pod;
  if (!spec) return;
  const refuse = (why: string | undefined): void => {
    if (why !== undefined) throw refusalOf(request, why);
  };
  if (metadata.annotations?.[mirrorAnnotation] !== undefined) {
    if (!joins) refuse(forbiddenInMirror(spec));
    return;
  }
  const name = spec.serviceAccountName ?? '';
  const account = view.find<ServiceAccount>('serviceaccounts', { namespace, name });
  if (account?.metadata.annotations?.[enforceAnnotation] !== 'true') return;
  refuse(forbiddenReference(spec, account, { joining: joins }));
}
