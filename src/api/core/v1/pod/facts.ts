// What one may ask of a Pod: which of its containers last, whether it is ready or has ended, which claims and ports it takes.
import type { Container, Pod, Volume } from '../types.generated.ts';

/** A sidecar (KEP-753): an init container that keeps running beside the Pod's containers. */
export function isSidecar({ restartPolicy }: Pick<Container, 'restartPolicy'>): boolean {
  return restartPolicy === 'Always';
}

/** The containers that run for as long as the Pod does: its own, then its sidecars. */
export function lastingContainers({ spec }: Pick<Pod, 'spec'>): Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
}

/** Whether the API was told that nothing of the Pod will run again. */
export function isPodTerminal({ status }: Pick<Pod, 'status'>): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function isPodReady({ status }: Pick<Pod, 'status'>): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Name of the claim of a Pod's volume: its own, or that of a generic ephemeral volume; undefined for other volumes. */
export function claimNameOf(
  { metadata }: { readonly metadata: { readonly name: string } },
  { name, persistentVolumeClaim, ephemeral }: Pick<Volume, 'name' | 'persistentVolumeClaim' | 'ephemeral'>,
): string | undefined {
  return persistentVolumeClaim?.claimName ?? (ephemeral && `${metadata.name}-${name}`);
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** With hostNetwork every port is one of the node (the API's defaults set hostPort). */
export function hostPortsOf(pod: Pick<Pod, 'spec'>): HostPort[] {
  return lastingContainers(pod).flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', protocol, port: hostPort }] : [],
    ),
  );
}

/** Whether two Pods of one node cannot both have their port; of all addresses only `0.0.0.0` stands for any, as upstream has it. */
export function clash(a: HostPort, b: HostPort): boolean {
  const sameIP = a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
  return sameIP && a.port === b.port && a.protocol === b.protocol;
}
