// What a pod refers to by name: what its node's agent may read.
import { claimNameOf } from '../../api/core/v1/pod/facts.ts';
import type { EphemeralContainer, PersistentVolume, PodSpec } from '../../api/core/v1/types.generated.ts';

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
    ...volumes.flatMap(({ azureFile, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos, csi }) => [
      azureFile?.secretName,
      ...[cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos].map((source) => source?.secretRef?.name),
      csi?.nodePublishSecretRef?.name,
    ]),
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
export function claimsOf(pod: { readonly metadata: { readonly name: string }; readonly spec: PodSpec }): string[] {
  return present((pod.spec.volumes ?? []).map((volume) => claimNameOf(pod, volume)));
}

/** Whether a node that mounts a volume needs a Secret for it, wherever that is; without a namespace it is beside the claim. */
export function isSecretOfVolume(
  { spec }: Readonly<PersistentVolume>,
  secret: { readonly namespace: string; readonly name: string },
): boolean {
  const { azureFile, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos, csi } = spec ?? {};
  const references = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
    ...[cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos].map((source) => source?.secretRef),
    ...[csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef],
  ];
  return references.some(
    (one) => one?.name === secret.name && (one.namespace || spec?.claimRef?.namespace) === secret.namespace,
  );
}
