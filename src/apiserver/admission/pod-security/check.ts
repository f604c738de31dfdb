// What the checks of the Pod Security Standards share: how they see a pod, and how they say what is wrong.
import type { Container, Pod, PodSpec } from '../../../api/core/v1/types.generated.ts';

/** Why a pod fails a check: `hostPort` and `container "c" uses hostPort 80`. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** A pod, or the template of one. */
export type CheckedPod = Pick<Pod, 'metadata'> & { readonly spec: PodSpec };

export interface PodCheck {
  /** Upstream's name: checks run in its order. */
  readonly id: string;
  /** The minor version of Kubernetes from which a policy pinned to a version has it. */
  readonly since: number;
  /** The check of the baseline level that this one includes. */
  readonly overrides?: string;
  check(pod: CheckedPod): Violation | undefined;
}

export function containersOf({ spec }: CheckedPod): Container[] {
  const ephemeral = (spec.ephemeralContainers ?? []) as unknown as Container[];
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...ephemeral];
}

/** Names of the containers for which something holds. */
export function named(pod: CheckedPod, is: (container: Container) => boolean): string[] {
  return containersOf(pod)
    .filter(is)
    .map(({ name }) => name);
}

/** `"a", "b"` */
export function quoted(texts: readonly string[]): string {
  return texts.map((text) => `"${text}"`).join(', ');
}

export function sorted(texts: Iterable<string>): string[] {
  return [...new Set(texts)].sort();
}

/** `container "a"`, or `containers "a", "b"`. */
export function containers(names: readonly string[]): string {
  return `${names.length === 1 ? 'container' : 'containers'} ${quoted(names)}`;
}

/** `pod and container "a"`: whoever of the two sets something. */
export function setters(byPod: boolean, names: readonly string[]): string {
  return [...(byPod ? ['pod'] : []), ...(names.length > 0 ? [containers(names)] : [])].join(' and ');
}

export function isWindows({ spec }: CheckedPod): boolean {
  return spec.os?.name === 'windows';
}
