// The PodStatus that follows from a pod and what runs of it, with upstream's reasons and words.

import { qosClass } from '../../api/core/v1/pod/qos.ts';
import { mayRestartAll, restartsAfter } from '../../api/core/v1/pod/restart.ts';
import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
  ResourceRequirements,
  VolumeMount,
  VolumeMountStatus,
} from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { type ResizeCondition, resizeConditions } from './allocation.ts';
import { type ContainerKind, containersOf, isSidecar } from './identity.ts';
import { latest, type ObservedContainer, type ObservedPod, readySandbox } from './observed.ts';
import { newBeginning } from './restart-rules.ts';

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  /** Ids of containers that are started and that are ready, as the probes say. */
  readonly started: ReadonlySet<string>;
  readonly ready: ReadonlySet<string>;
  readonly waiting: ReadonlyMap<string, { readonly reason: string; readonly message: string }>;
  readonly hostIPs: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The plan says that nothing will run again. */
  readonly finished: boolean;
  /** Conditions of a resize that waits or is under way. */
  readonly resize?: readonly ResizeCondition[];
  /** By container id, what a running container has where that may differ from what its pod may have. */
  readonly actual?: ReadonlyMap<string, ResourceRequirements>;
  /** Why the pod was ended whatever its containers did. */
  readonly verdict?: Verdict | undefined;
}

/** The end of a pod that is not its containers' own: evicted, past its deadline, refused by the node. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
  /** The pod was disrupted by the kubelet, not by itself: the condition DisruptionTarget says so. */
  readonly isDisruption?: boolean;
}

/** Bytes of termination messages that a pod tells of at the most, shared by its containers. */
const longestMessages = 12 * 1024;

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

function containerStatus(input: StatusInput, container: Container, kind: ContainerKind): ContainerStatus {
  const history = input.observed.containers.filter((c) => c.name === container.name);
  const [current, previous] = history;
  const waitingFor = input.waiting.get(container.name);
  const idle =
    kind === 'main' && (input.pod.spec?.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
  const initIdle = kind === 'init' ? 'PodInitializing' : idle;
  let state: ContainerState;
  let last: ContainerState = {};
  if (!current) state = input.verdict ? neverFound : { waiting: waitingFor ?? { reason: initIdle } };
  else if (current.state === 'running') {
    state = { running: { startedAt: formatTime(current.startedAt) } };
    if (previous?.state === 'exited') last = terminated(previous, input.pod);
  } else if (current.state === 'exited') {
    if (waitingFor) {
      state = { waiting: waitingFor };
      last = terminated(current, input.pod);
    } else {
      state = terminated(current, input.pod);
      if (previous?.state === 'exited') last = terminated(previous, input.pod);
    }
  } else state = { waiting: waitingFor ?? { reason: initIdle } };
  const running = current?.state === 'running';
  const resources = (running && input.actual?.get(current.id)) || container.resources;
  const done = kind === 'init' && !isSidecar(container) && current?.state === 'exited' && current.exitCode === 0;
  return {
    name: container.name,
    image: current?.image || container.image || '',
    imageID: current?.imageID ?? '',
    ...(current && { containerID: `containerd://${current.id}` }),
    ready: done || (running && input.ready.has(current.id)),
    started: running && input.started.has(current.id),
    restartCount: current?.attempt ?? 0,
    state,
    lastState: last,
    ...(resources && { resources }),
    ...(container.resources?.requests && { allocatedResources: container.resources.requests }),
    ...(container.volumeMounts && { volumeMounts: container.volumeMounts.map(mountStatus) }),
  };
}

/** No runtime that is known here mounts recursively read-only. */
function mountStatus({ name, mountPath, readOnly }: VolumeMount): VolumeMountStatus {
  return { name, mountPath, ...(readOnly && { readOnly, recursiveReadOnly: 'Disabled' }) };
}

/** Of a container that was not there when its pod was made to end. */
const neverFound: ContainerState = {
  terminated: {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was terminated',
  },
};

interface Statuses {
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
}

/** How a container ended that does not run: now, or before the start that it waits for. */
function endOf({ state, lastState }: ContainerStatus): ContainerStateTerminated | undefined {
  return state?.terminated ?? (state?.waiting && lastState?.terminated);
}

/** upstream's getPhase. */
function phaseOf({ pod, observed, finished }: StatusInput, { init, main }: Statuses): string {
  const { containers = [], initContainers = [] } = pod.spec;
  const beginning = newBeginning(pod, observed);
  const willRestart = (container: Container, end: ContainerStateTerminated) => {
    const last = latest(observed, container.name);
    return (last && beginning?.isOld(last)) || restartsAfter(pod.spec, container, end.exitCode);
  };
  let initPending = 0;
  for (const [index, status] of init.entries()) {
    const container = initContainers[index] ?? { name: '' };
    const end = endOf(status);
    if (isSidecar(container)) {
      if (!status.started && !end) initPending += 1;
    } else if (end?.exitCode !== 0) {
      if (end && !willRestart(container, end)) return 'Failed';
      initPending += 1;
    }
  }
  const mainSeen = main.some((s) => s.containerID !== undefined);
  if (initPending > 0 && !mainSeen) return finished ? 'Failed' : 'Pending';
  if (main.some((s) => s.state?.waiting && !endOf(s))) return 'Pending';
  if (main.some((s) => s.state?.running)) return 'Running';
  const ends = main.map(endOf);
  if (ends.length === 0) return 'Pending';
  const mayRestart = ends.some((end, i) => end && willRestart(containers[i] ?? { name: '' }, end));
  if (mayRestart && !pod.metadata.deletionTimestamp) return 'Running';
  return ends.every((end) => end?.exitCode === 0) ? 'Succeeded' : 'Failed';
}

interface Finding {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

function containersReady(phase: string, containers: readonly ContainerStatus[]): Omit<Finding, 'type'> {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const unready = containers.filter((s) => !s.ready).map((s) => s.name);
  if (unready.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function podReady(pod: Pod, ready: Omit<Finding, 'type'>): Omit<Finding, 'type'> {
  if (ready.status === 'False') return ready;
  const missing = (pod.spec?.readinessGates ?? []).filter(
    (gate) => pod.status?.conditions?.find((c) => c.type === gate.conditionType)?.status !== 'True',
  );
  if (missing.length === 0) return ready;
  const message = missing.map(({ conditionType }) => {
    const there = pod.status?.conditions?.some((c) => c.type === conditionType);
    return there
      ? `the status of pod readiness gate "${conditionType}" is not "True", but False`
      : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`;
  });
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: message.join(', ') };
}

function initialized(pod: Pod, phase: string, { init, main }: Statuses): Omit<Finding, 'type'> {
  const mainSeen = main.some((s) => s.containerID !== undefined);
  const containers = pod.spec?.initContainers ?? [];
  const incomplete = init
    .filter((s, i) => (isSidecar(containers[i] ?? { name: '' }) ? !s.started : s.state?.terminated?.exitCode !== 0))
    .map((s) => s.name);
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (mainSeen || incomplete.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

/** Told of pods that may restart as a whole. */
function allRestarting({ pod, observed }: StatusInput): Finding[] {
  if (!mayRestartAll(pod.spec)) return [];
  const type = 'AllContainersRestarting';
  const beginning = newBeginning(pod, observed);
  if (!beginning?.isUnderWay || !beginning.cause) return [{ type, status: 'False' }];
  const { name, exitCode } = beginning.cause;
  const message = `Container ${name} exited with code ${exitCode}, triggering pod restart`;
  return [{ type, status: 'True', reason: 'ContainerExited', message }];
}

/** Conditions that the kubelet keeps, then those that others set; times change only with the status. */
function mergeConditions(input: StatusInput, findings: readonly Finding[]): PodCondition[] {
  const old = input.pod.status?.conditions ?? [];
  const generation = input.pod.metadata.generation;
  const own = findings.map(({ type, status, reason, message }): PodCondition => {
    const before = old.find((c) => c.type === type);
    const same = before?.status === status && before.lastTransitionTime !== undefined;
    return {
      type,
      status,
      lastTransitionTime: same ? before.lastTransitionTime : formatTime(input.now),
      ...(reason && { reason }),
      ...(message && { message }),
      ...(generation !== undefined && { observedGeneration: generation }),
    };
  });
  const isOthers = ({ type }: PodCondition) =>
    !resizeConditions.includes(type) && !findings.some((f) => f.type === type);
  return [...own, ...old.filter(isOthers)];
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, hostIPs } = input;
  const initContainers = pod.spec?.initContainers ?? [];
  const init = initContainers.map((c) => containerStatus(input, c, 'init'));
  const main = (pod.spec?.containers ?? []).map((c) => containerStatus(input, c, 'main'));
  const statuses = { init, main };
  const ephemeral = (pod.spec?.ephemeralContainers ?? []).map((c) => containerStatus(input, c, 'ephemeral'));
  // Of a pod that was never taken nothing is told but why.
  const isRefused = input.verdict && observed.containers.length === 0 && !pod.status?.containerStatuses?.length;
  const isRunning = observed.containers.some((c) => c.state === 'running');
  const verdict = isRunning ? undefined : verdictOf(input);
  const found = verdict?.phase ?? phaseOf(input, statuses);
  // That a pod has ended is not told while a sidecar of it still runs.
  const phase = isRunning && isTerminal(found) ? (pod.status?.phase ?? 'Running') : found;
  const sandbox = readySandbox(observed);
  const counted = [...init.filter((_, i) => isSidecar(initContainers[i] ?? { name: '' })), ...main];
  const ready = containersReady(phase, counted);
  const ips = pod.spec?.hostNetwork ? hostIPs : (sandbox?.ips ?? []);
  const conditions = mergeConditions(input, [
    {
      type: 'PodReadyToStartContainers',
      status: sandbox && (ips.length > 0 || pod.spec?.hostNetwork) ? 'True' : 'False',
    },
    { type: 'Initialized', ...initialized(pod, phase, statuses) },
    { type: 'Ready', ...podReady(pod, ready) },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', status: 'True' },
    ...allRestarting(input),
    ...(input.resize ?? []).map((condition) => ({ ...condition, status: 'True' }) as const),
    ...(input.verdict?.isDisruption
      ? [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'TerminationByKubelet',
            message: input.verdict.message,
          } as const,
        ]
      : []),
  ]);
  // A finished pod keeps the address it had.
  const podIPs = ips.length > 0 ? ips.map((ip) => ({ ip })) : (pod.status?.podIPs ?? []);
  return {
    phase,
    ...(verdict?.reason !== undefined && { reason: verdict.reason, message: verdict.message }),
    conditions,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...(hostIPs[0] && { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) }),
    ...(podIPs[0] && { podIP: podIPs[0].ip, podIPs }),
    startTime: pod.status?.startTime ?? formatTime(input.now),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
    ...(init.length > 0 && !isRefused && { initContainerStatuses: init }),
    ...(!isRefused && { containerStatuses: main }),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
  };
}

const isTerminal = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed';

/** A phase that is told is never taken back; a verdict is told when the last container has ended. */
function verdictOf({ pod, verdict }: StatusInput): Pick<PodStatus, 'phase' | 'reason' | 'message'> | undefined {
  if (verdict) return { phase: 'Failed', reason: verdict.reason, message: verdict.message };
  const { phase, reason, message } = pod.status ?? {};
  if (phase === undefined || !isTerminal(phase)) return undefined;
  return { phase, ...(reason !== undefined && { reason, message: message ?? '' }) };
}
