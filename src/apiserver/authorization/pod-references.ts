// What a pod refers to by name: what its node's agent may read.
import type { EphemeralContainer, PodSpec, Volume } from '../../api/core/v1/types.generated.ts';

function containersOf(spec: PodSpec): readonly Pick<EphemeralContainer, 'env' | 'envFrom'>[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function present(names: readonly (string | undefined)[]): string[] {
  return names.filter((name) => name !== undefined);
}

/** Names of the Secrets that a pod refers to, by volumes, environment and image pulls. */
export function secretsOf(spec: PodSpec): string[] {
  const volumes = spec.volumes ?? [];
  return present([
    ...volumes.map((volume) => volume.secret?.secretName),
    ...volumes.flatMap((volume) => (volume.projected?.sources ?? []).map((source) => source.secret?.name)),
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containersOf(spec).flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ]),
  ]);
}

export function configMapsOf(spec: PodSpec): string[] {
  const volumes = spec.volumes ?? [];
  return present([
    ...volumes.map((volume) => volume.configMap?.name),
    ...volumes.flatMap((volume) => (volume.projected?.sources ?? []).map((source) => source.configMap?.name)),
    ...containersOf(spec).flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
      ...envFrom.map(({ configMapRef }) => configMapRef?.name),
    ]),
  ]);
}

/** The claims that a pod names, and those of its generic ephemeral volumes. */
export function claimsOf({
  metadata,
  spec,
}: {
  readonly metadata: { readonly name: string };
  readonly spec: PodSpec;
}): string[] {
  const nameOf = ({ name, persistentVolumeClaim, ephemeral }: Volume) =>
    persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
  return present((spec.volumes ?? []).map(nameOf));
}
