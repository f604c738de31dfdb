// What is told of each container of a pod: what the runtime has of it, or what was told before where it has nothing any more.
// Rules and words are upstream's (kubelet_pods.go, status_manager.go). Pure.
import { isSidecar } from '../../api/core/v1/pod/facts.ts';
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Pod,
  ResourceRequirements,
  VolumeMount,
  VolumeMountStatus,
} from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { type ContainerKind, containersOf } from './containers.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';

export interface ContainerStatusInput {
  /** With the status as it was last told. */
  readonly pod: Pod;
  readonly observed: ObservedPod;
  /** Ids of containers that are started and that are ready, as the probes say. */
  readonly started: ReadonlySet<string>;
  readonly ready: ReadonlySet<string>;
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>;
  /** By container id, what a running container has where that may differ from what its pod may have. */
  readonly actual?: ReadonlyMap<string, ResourceRequirements>;
}

export interface ContainerStatuses {
  /** In the order of the specification. */
  readonly init: readonly ContainerStatus[];
  /** By name, as ephemeral. */
  readonly main: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

/** Bytes of termination messages that a pod tells of at the most, shared by its containers. */
const longestMessages = 12 * 1024;

const unknownEnd = { exitCode: 137, reason: 'ContainerStatusUnknown' } as const;

/** Of a container of which nothing is known when its pod ends. */
const neverFound: ContainerState = {
  terminated: { ...unknownEnd, message: 'The container could not be located when the pod was terminated' },
};

/** Of a container that ran when it was last seen. */
const gone: ContainerState = {
  terminated: {
    ...unknownEnd,
    message: 'The container could not be located when the pod was deleted.  The container used to be Running',
  },
};

export function containerStatuses(input: ContainerStatusInput): ContainerStatuses {
  const { initContainers = [], containers, ephemeralContainers = [] } = input.pod.spec;
  const told = input.pod.status ?? {};
  const statuses = (list: readonly Container[], kind: ContainerKind, before: readonly ContainerStatus[] = []) => {
    const old = new Map(before.map((status) => [status.name, status]));
    return list.map((container) => containerStatus(input, { container, kind, old: old.get(container.name) }));
  };
  const byName = (a: ContainerStatus, b: ContainerStatus) => (a.name < b.name ? -1 : 1);
  return {
    init: statuses(initContainers, 'init', told.initContainerStatuses),
    main: statuses(containers, 'main', told.containerStatuses).sort(byName),
    ephemeral: statuses(ephemeralContainers, 'ephemeral', told.ephemeralContainerStatuses).sort(byName),
  };
}

interface Subject {
  readonly container: Container;
  readonly kind: ContainerKind;
  /** As it was last told. */
  readonly old: ContainerStatus | undefined;
}

function containerStatus(input: ContainerStatusInput, subject: Subject): ContainerStatus {
  const { container, kind } = subject;
  const found = input.observed.containers.filter((c) => c.name === container.name);
  const status = found.length > 0 ? seenStatus(input, subject, found) : unseenStatus(input, subject);
  const waiting = input.waiting.get(container.name);
  const done = kind === 'init' && !isSidecar(container) && status.state?.terminated?.exitCode === 0;
  if (!waiting || done || status.state?.running) return status;
  return { ...status, state: { waiting }, ...(status.state?.terminated && { lastState: status.state }) };
}

/** `current` is the newest container of the name. */
function seenStatus(
  input: ContainerStatusInput,
  { container, kind, old }: Subject,
  [current, previous]: readonly ObservedContainer[],
): ContainerStatus {
  if (!current) throw new Error(`nothing was seen of container ${container.name}`);
  const running = current.state === 'running';
  const isLost = current.state === 'unknown' && old?.state?.running !== undefined;
  const idle = { waiting: { reason: idleReason(input.pod) } };
  const stopped = current.state === 'exited' ? terminated(current, input.pod) : isLost ? neverFound : idle;
  const done = kind === 'init' && !isSidecar(container) && current.state === 'exited' && current.exitCode === 0;
  const resources = (running && input.actual?.get(current.id)) || (container.resources ?? {});
  const requests = container.resources?.requests;
  return {
    ...described(container, current),
    image: current.image || container.image || '',
    imageID: current.imageID,
    containerID: `containerd://${current.id}`,
    ready: done || (running && input.ready.has(current.id)),
    started: running && input.started.has(current.id),
    restartCount: isLost ? old.restartCount + 1 : current.attempt,
    state: running ? { running: { startedAt: formatTime(current.startedAt) } } : stopped,
    lastState: previous?.state === 'exited' ? terminated(previous, input.pod) : {},
    ...(current.user && { user: { linux: current.user } }),
    ...(current.stopSignal !== undefined && { stopSignal: current.stopSignal }),
    // Only of containers that a resize is about.
    ...((kind === 'main' || isSidecar(container)) && { resources, ...(requests && { allocatedResources: requests }) }),
  };
}

/** What was told of an end stays; one that ran until the runtime forgot it has ended somehow. */
function unseenStatus({ pod }: ContainerStatusInput, { container, old }: Subject): ContainerStatus {
  if (old?.state?.terminated) return old;
  const hasRun = old?.state?.running !== undefined;
  const isRestart = hasRun && pod.metadata.deletionTimestamp === undefined;
  return {
    ...described(container),
    image: container.image ?? '',
    imageID: '',
    ready: false,
    started: false,
    restartCount: (old?.restartCount ?? 0) + (isRestart ? 1 : 0),
    state: { waiting: { reason: idleReason(pod) } },
    lastState: hasRun && !old.lastState?.terminated ? gone : (old?.lastState ?? {}),
  };
}

function described(
  { name, volumeMounts }: Container,
  { recursiveReadOnly }: Pick<ObservedContainer, 'recursiveReadOnly'> = {},
): Pick<ContainerStatus, 'name' | 'volumeMounts'> {
  if (!volumeMounts) return { name };
  const isRecursive = ({ mountPath }: VolumeMount) => recursiveReadOnly?.includes(mountPath) ?? false;
  return { name, volumeMounts: volumeMounts.map((mount) => mountStatus(mount, isRecursive(mount))) };
}

function mountStatus({ name, mountPath, readOnly }: VolumeMount, isRecursive: boolean): VolumeMountStatus {
  return { name, mountPath, ...(readOnly && { readOnly, recursiveReadOnly: isRecursive ? 'Enabled' : 'Disabled' }) };
}

const idleReason = ({ spec }: Pod): string =>
  (spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';

function terminated(container: ObservedContainer, pod: Pod): ContainerState {
  const longest = Math.floor(longestMessages / containersOf(pod).length);
  const reason = container.reason || (container.exitCode === 0 ? 'Completed' : 'Error');
  return {
    terminated: {
      exitCode: container.exitCode,
      reason,
      ...(container.message && { message: container.message.slice(0, longest) }),
      // One that never started has upstream's zero: 1970.
      startedAt: formatTime(container.startedAt),
      ...(container.finishedAt > 0 && { finishedAt: formatTime(container.finishedAt) }),
      containerID: `containerd://${container.id}`,
    },
  };
}

/**
 * Of a pod that has ended: containers that must have been there once, and of whose end nothing is known, have failed. Those that
 * initialization never came to still wait.
 */
export function finalStatuses({ spec }: Pod, statuses: ContainerStatuses): ContainerStatuses {
  const { init, main } = statuses;
  const end = (status: ContainerStatus): ContainerStatus =>
    status.state?.terminated ? status : { ...status, state: neverFound };
  const reached = Math.max(
    0,
    init.findLastIndex(({ state, lastState }) => !state?.waiting || lastState?.terminated),
  );
  return {
    ...statuses,
    init: init.map((status, i) => (i <= reached ? end(status) : status)),
    main: wasInitialized(spec.initContainers ?? [], statuses) ? main.map(end) : main,
  };
}

function wasInitialized(initContainers: readonly Container[], { init, main }: ContainerStatuses): boolean {
  const last = initContainers.at(-1);
  const status = init.at(-1);
  if (!last || !status) return true;
  if (main.some(({ state, lastState }) => !state?.waiting || lastState?.terminated)) return true;
  if (isSidecar(last)) return status.state?.running !== undefined && status.started === true;
  return status.state?.terminated?.exitCode === 0 || status.lastState?.terminated?.exitCode === 0;
}
