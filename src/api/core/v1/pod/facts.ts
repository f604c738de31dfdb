// What one may ask of a Pod: which of its containers last, whether it has ended, which ports of its node it takes.
import type { Container, Pod } from '../types.generated.ts';

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
