// The PodStatus that follows from a pod and what runs of it, with upstream's reasons and words.

import { isSidecar } from '../../api/core/v1/pod/facts.ts';
import { qosClass } from '../../api/core/v1/pod/qos.ts';
import { mayRestartAll, restartsAfter } from '../../api/core/v1/pod/restart.ts';
import type {
  Container,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { type ResizeCondition, resizeConditions } from './allocation.ts';
import {
  type ContainerStatuses,
  type ContainerStatusInput,
  containerStatuses,
  finalStatuses,
} from './container-status.ts';
import { latest, readySandbox } from './observed.ts';
import { newBeginning } from './restart-rules.ts';

/** Conditions that only the kubelet sets (upstream's PodConditionByKubelet): what anybody else says of them does not count. */
export const kubeletConditions: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  'AllContainersRestarting',
  ...resizeConditions,
]);

export interface StatusInput extends ContainerStatusInput {
  readonly hostIPs: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The pod was deleted, and nothing of it runs any more. */
  readonly isTerminated?: boolean;
  /** Ids of containers that were ended to be started anew (pod-plan.ts). */
  readonly replaced?: ReadonlySet<string>;
  /** Conditions of a resize that waits or is under way. */
  readonly resize?: readonly ResizeCondition[];
  /** Why the pod was ended whatever its containers did. */
  readonly verdict?: Verdict | undefined;
}

/** The end of a pod that is not its containers' own: evicted, past its deadline, refused by the node. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
  /** The pod was disrupted by the kubelet, not by itself: what the condition DisruptionTarget says of it. */
  readonly disruption?: string;
  /** Of the event that tells of it. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How a container ended that does not run: now, or before the start that it waits for. */
function endOf({ state, lastState }: ContainerStatus): ContainerStateTerminated | undefined {
  return state?.terminated ?? (state?.waiting && lastState?.terminated);
}

/** upstream's getPhase; `isOver`: nothing of the pod will start again, whatever its policies say. */
function phaseOf({ pod, observed, replaced }: StatusInput, { init, main }: ContainerStatuses, isOver: boolean): string {
  const { containers, initContainers = [] } = pod.spec;
  const beginning = newBeginning(pod, observed);
  const willRestart = (container: Container, end: ContainerStateTerminated) => {
    const last = latest(observed, container.name);
    const isAnew = last && (beginning?.isOld(last) || replaced?.has(last.id));
    return isAnew || restartsAfter(pod.spec, container, end.exitCode);
  };
  let uninitialized = 0;
  let waiting = 0;
  let running = 0;
  for (const [index, status] of init.entries()) {
    const container = initContainers[index] ?? { name: '' };
    const end = endOf(status);
    if (!isSidecar(container)) {
      if (!end) uninitialized += 1;
      else if (end.exitCode !== 0 && !willRestart(container, end)) return 'Failed';
    } else if (status.state?.running) {
      running += 1;
      if (!status.started) uninitialized += 1;
    } else if (!end) waiting += 1;
  }
  const ends = main.map(endOf);
  running += main.filter(({ state }) => state?.running).length;
  waiting += main.filter(({ state }, i) => !state?.running && !ends[i]).length;
  if (waiting > 0 || (uninitialized > 0 && !hasStarted(main))) return 'Pending';
  if (running > 0) return 'Running';
  if (main.length === 0) return 'Pending';
  const byName = new Map(containers.map((container) => [container.name, container]));
  const mayRestart = ends.some((end, i) => end && willRestart(byName.get(main[i]?.name ?? '') ?? { name: '' }, end));
  if (mayRestart && !isOver) return 'Running';
  return main.every(({ state }) => state?.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
}

/** Whether a container of the pod runs or has ended: then it was initialized, whatever became of its sidecars. */
const hasStarted = (main: readonly ContainerStatus[]): boolean =>
  main.some(({ state }) => state?.running || state?.terminated);

interface Finding {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

function containersReady(phase: string, containers: readonly ContainerStatus[]): Omit<Finding, 'type'> {
  if (isTerminal(phase)) return { status: 'False', reason: endReasons[phase] };
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
  const missing = (pod.spec.readinessGates ?? []).filter(
    (gate) => pod.status?.conditions?.find((c) => c.type === gate.conditionType)?.status !== 'True',
  );
  if (missing.length === 0) return ready;
  const message = missing.map(({ conditionType }) => {
    const there = pod.status?.conditions?.find((c) => c.type === conditionType);
    return there
      ? `the status of pod readiness gate "${conditionType}" is not "True", but ${there.status}`
      : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`;
  });
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: message.join(', ') };
}

function initialized(pod: Pod, phase: string, { init, main }: ContainerStatuses): Omit<Finding, 'type'> {
  const containers = pod.spec.initContainers ?? [];
  const incomplete = init
    .filter((s, i) => (isSidecar(containers[i] ?? { name: '' }) ? !s.started : s.state?.terminated?.exitCode !== 0))
    .map((s) => s.name);
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (hasStarted(main) || incomplete.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

/** Told of pods that may restart as a whole. */
function allRestarting({ pod, observed }: StatusInput, phase: string): Finding[] {
  if (!mayRestartAll(pod.spec)) return [];
  const type = 'AllContainersRestarting';
  if (isTerminal(phase)) return [{ type, status: 'False', reason: endReasons[phase] }];
  if (!newBeginning(pod, observed)?.isUnderWay) return [{ type, status: 'False' }];
  const message = 'container exited with restart policy rule';
  return [{ type, status: 'True', reason: 'RestartAllContainersStarted', message }];
}

/** Conditions that others set, then those that the kubelet keeps; times change only with the status. */
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
  return [...old.filter(isOthers), ...own];
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, verdict } = input;
  const isRunning = observed.containers.some((c) => c.state === 'running');
  const isOver = !isRunning && (verdict !== undefined || input.isTerminated === true);
  const generation = pod.metadata.generation;
  const qos = pod.status?.qosClass ?? qosClass(pod);
  const common = {
    ...(generation !== undefined && { observedGeneration: generation }),
    startTime: pod.status?.startTime ?? formatTime(input.now),
    qosClass: qos,
  };
  // Of a pod that was never taken nothing is told but why.
  if (verdict && observed.containers.length === 0 && !pod.status?.containerStatuses?.length) {
    const { reason, message } = verdict;
    return { phase: 'Failed', reason, message, conditions: mergeConditions(input, []), ...common };
  }
  const statuses = containerStatuses(input);
  const { phase, ...why } = phaseAndWhy(input, statuses, { isRunning, isOver });
  const told = isOver ? finalStatuses(pod, statuses) : statuses;
  return {
    phase,
    ...why,
    conditions: mergeConditions(input, findings(input, statuses, { phase, isRunning })),
    ...addresses(input),
    ...common,
    ...(told.init.length > 0 && { initContainerStatuses: [...told.init] }),
    containerStatuses: [...told.main],
    ...(told.ephemeral.length > 0 && { ephemeralContainerStatuses: [...told.ephemeral] }),
  };
}

type TerminalPhase = keyof typeof endReasons;

const endReasons = { Succeeded: 'PodCompleted', Failed: 'PodFailed' } as const;

const isTerminal = (phase: string | undefined): phase is TerminalPhase => phase === 'Succeeded' || phase === 'Failed';

type PhaseAndWhy = Required<Pick<PodStatus, 'phase'>> & Pick<PodStatus, 'reason' | 'message'>;

/** A phase that is told is never taken back; that a pod has ended is told when its last container has, sidecars too. */
function phaseAndWhy(
  input: StatusInput,
  statuses: ContainerStatuses,
  { isRunning, isOver }: { readonly isRunning: boolean; readonly isOver: boolean },
): PhaseAndWhy {
  const { verdict, pod } = input;
  const { phase: before, reason, message } = pod.status ?? {};
  if (verdict && !isRunning) return { phase: 'Failed', reason: verdict.reason, message: verdict.message };
  if (isTerminal(before)) return { phase: before, ...(reason !== undefined && { reason, message: message ?? '' }) };
  const phase = phaseOf(input, statuses, isOver);
  if (isRunning && isTerminal(phase)) return { phase: before ?? 'Running' };
  return { phase: isOver && !isTerminal(phase) ? 'Failed' : phase };
}

/** The conditions that the kubelet keeps, in upstream's order. */
function findings(
  input: StatusInput,
  statuses: ContainerStatuses,
  { phase, isRunning }: { readonly phase: string; readonly isRunning: boolean },
): Finding[] {
  const { pod, observed, verdict } = input;
  const { init, main } = statuses;
  const initContainers = pod.spec.initContainers ?? [];
  const inOrder = pod.spec.containers.flatMap(({ name }) => main.find((status) => status.name === name) ?? []);
  const ready = containersReady(phase, [
    ...init.filter((_, i) => isSidecar(initContainers[i] ?? { name: '' })),
    ...inOrder,
  ]);
  const sandbox = readySandbox(observed);
  const hasNetwork = sandbox && (sandbox.ips.length > 0 || pod.spec.hostNetwork);
  const reason = 'TerminationByKubelet';
  return [
    // A disruption is one when it is over.
    ...(verdict?.disruption !== undefined && !isRunning
      ? [{ type: 'DisruptionTarget', status: 'True', reason, message: verdict.disruption } as const]
      : []),
    ...(input.resize ?? []).map((condition) => ({ ...condition, status: 'True' }) as const),
    { type: 'PodReadyToStartContainers', status: hasNetwork ? 'True' : 'False' },
    { type: 'Initialized', ...initialized(pod, phase, statuses) },
    { type: 'Ready', ...podReady(pod, ready) },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', status: 'True' },
    ...allRestarting(input, phase),
  ];
}

function addresses({ pod, observed, hostIPs }: StatusInput): Partial<PodStatus> {
  const ips = pod.spec.hostNetwork ? hostIPs : (readySandbox(observed)?.ips ?? []);
  // A finished pod keeps the address it had.
  const podIPs = ips.length > 0 ? ips.map((ip) => ({ ip })) : (pod.status?.podIPs ?? []);
  return {
    ...(hostIPs[0] && { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) }),
    ...(podIPs[0] && { podIP: podIPs[0].ip, podIPs }),
  };
}
