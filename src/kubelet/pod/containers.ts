// The containers of a pod, of all kinds, and what the API was told of them.
import type { Container, ContainerStatus, Pod } from '../../api/core/v1/types.generated.ts';

export type ContainerKind = 'init' | 'main' | 'ephemeral';

/** All containers of the specification, of each kind in its order. */
export function containersOf(pod: Pod): { readonly kind: ContainerKind; readonly container: Container }[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [
    ...initContainers.map((container) => ({ kind: 'init' as const, container })),
    ...containers.map((container) => ({ kind: 'main' as const, container })),
    ...ephemeralContainers.map((container) => ({ kind: 'ephemeral' as const, container })),
  ];
}

/** The container of that name, of whichever kind. */
export function containerOf(pod: Pod, name: string): Container | undefined {
  return containersOf(pod).find(({ container }) => container.name === name)?.container;
}

/** What the API was told of all containers, of each kind in its order. */
export function statusesOf({ status = {} }: Pod): ContainerStatus[] {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status;
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses];
}

const fields: Readonly<Record<ContainerKind, string>> = {
  init: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
};

/** What an Event about one container of a pod is about: `spec.containers{web}`. */
export function containerFieldPath(pod: Pod, name: string): string {
  const kind = containersOf(pod).find(({ container }) => container.name === name)?.kind ?? 'main';
  return `spec.${fields[kind]}{${name}}`;
}
