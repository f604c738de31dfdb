// What a kubelet would say of a pod if all went as its annotations want: pure.
import { isPodTerminal } from '../../api/core/v1/pod/facts.ts';
import type {
  Container,
  ContainerStatus,
  EphemeralContainer,
  Pod,
  PodCondition,
  PodStatus,
} from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import { formatTime } from '../../apimachinery/time.ts';

const prefix = 'hollow.portico.dev';
const readyAnnotation = `${prefix}/ready`;
const runForAnnotation = `${prefix}/run-for`;
const exitCodeAnnotation = `${prefix}/exit-code`;

export interface PlayInput {
  readonly pod: Readonly<Pod>;
  readonly nodeIP: string;
  /** Asked for a pod that runs; undefined when the node has none left. */
  readonly podIP: () => string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Play {
  /** Undefined when what the API has is right. */
  readonly status?: PodStatus;
  /** The pod has ended on the node: its object may go. */
  readonly end: boolean;
  /** Milliseconds until something happens by itself. */
  readonly wakeAfter?: number;
}

/** Milliseconds after the first restart, doubling, and the most: as kubelet's CrashLoopBackOff. */
const firstBackoff = 10_000;
const maxBackoff = 300_000;

interface Part {
  /** Milliseconds for which containers run; undefined: for ever. */
  readonly runFor: number | undefined;
  readonly exitCode: number;
  readonly wantsReady: boolean;
}

export function playPod(input: PlayInput): Play {
  const { pod, now } = input;
  const part = partOf(pod);
  const ended = isPodTerminal(pod);
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (pod.metadata.deletionGracePeriodSeconds === 0) return { end: false };
    // Whoever holds the pod by a finalizer wants to know how it ended.
    const watched = (pod.metadata.finalizers ?? []).length > 0;
    return { end: true, ...(watched && !ended && { status: endedStatus(input, 143) }) };
  }
  if (ended) return { end: false };
  const started = startOf(pod) ?? now;
  const deadline = pod.spec.activeDeadlineSeconds;
  if (deadline !== undefined && started + deadline * 1000 <= now) {
    const message = 'Pod was active on the node longer than the specified deadline';
    return { end: false, status: { ...endedStatus(input, 137), phase: 'Failed', reason: 'DeadlineExceeded', message } };
  }
  return run(input, part, deadline === undefined ? undefined : started + deadline * 1000 - now);
}

function run(input: PlayInput, { runFor, exitCode, wantsReady }: Part, untilDeadline: number | undefined): Play {
  const { pod, now } = input;
  const before = pod.status?.containerStatuses?.[0];
  const restarts = pod.spec.restartPolicy !== 'Never' && (pod.spec.restartPolicy !== 'OnFailure' || exitCode !== 0);
  const runningSince = Date.parse(before?.state?.running?.startedAt ?? formatTime(now));
  const isWaiting = before?.state?.waiting !== undefined && before.lastState?.terminated !== undefined;
  const over = runFor !== undefined && !isWaiting && runningSince + runFor <= now;
  if (over && !restarts) return { end: false, status: endedStatus(input, exitCode) };
  const restartCount = before?.restartCount ?? 0;
  const backoff = Math.min(firstBackoff * 2 ** restartCount, maxBackoff);
  const finished = Date.parse(before?.lastState?.terminated?.finishedAt ?? '');
  const mayStart = isWaiting && finished + backoff <= now;
  let phase: ContainerPhase;
  if (over) phase = { kind: 'waiting', exitCode, finishedAt: formatTime(now) };
  else if (isWaiting && !mayStart) phase = { kind: 'same' };
  else if (mayStart) phase = { kind: 'running', startedAt: formatTime(now), restartCount: restartCount + 1 };
  else phase = { kind: 'running', startedAt: formatTime(runningSince), restartCount };
  const status = runningStatus(input, phase, wantsReady);
  if (!status) return { end: false, wakeAfter: 1000 };
  const waits = [untilDeadline];
  if (phase.kind === 'running' && runFor !== undefined) waits.push(Date.parse(phase.startedAt) + runFor - now);
  if (phase.kind === 'waiting') waits.push(backoff);
  if (phase.kind === 'same') waits.push(finished + backoff - now);
  const due = waits.filter((wait) => wait !== undefined);
  return {
    end: false,
    ...(!jsonEqual(status, pod.status) && { status }),
    ...(due.length > 0 && { wakeAfter: Math.max(1, Math.min(...due)) }),
  };
}

function partOf(pod: Readonly<Pod>): Part {
  const annotations = pod.metadata.annotations ?? {};
  const exitCode = Number(annotations[exitCodeAnnotation] ?? 0);
  const seconds = annotations[runForAnnotation] ?? (annotations[exitCodeAnnotation] === undefined ? undefined : '0');
  const runFor = seconds === undefined ? undefined : Number(seconds.replace(/s$/, '')) * 1000;
  return {
    exitCode: Number.isInteger(exitCode) ? exitCode : 1,
    runFor: runFor === undefined || Number.isNaN(runFor) ? undefined : runFor,
    wantsReady: annotations[readyAnnotation] !== 'false',
  };
}

function startOf(pod: Readonly<Pod>): number | undefined {
  return pod.status?.startTime === undefined ? undefined : Date.parse(pod.status.startTime);
}

type ContainerPhase =
  | { readonly kind: 'running'; readonly startedAt: string; readonly restartCount: number }
  | { readonly kind: 'waiting'; readonly exitCode: number; readonly finishedAt: string }
  | { readonly kind: 'same' };

function runningStatus(
  { pod, nodeIP, podIP, now }: PlayInput,
  phase: ContainerPhase,
  wantsReady: boolean,
): PodStatus | undefined {
  const ip = pod.spec.hostNetwork ? nodeIP : podIP();
  if (ip === undefined) return undefined;
  const before = pod.status ?? {};
  const ready = wantsReady && phase.kind === 'running';
  const containerStatuses = pod.spec.containers.map((container, i) =>
    phase.kind === 'same' && before.containerStatuses?.[i]
      ? before.containerStatuses[i]
      : containerStatus(container, { phase, ready, before: before.containerStatuses?.[i] }),
  );
  const gates = (pod.spec.readinessGates ?? []).every(
    ({ conditionType }) => before.conditions?.find((c) => c.type === conditionType)?.status === 'True',
  );
  const initContainerStatuses = pod.spec.initContainers?.map((c) => initStatus(c, before.startTime ?? formatTime(now)));
  const told = new Map(before.ephemeralContainerStatuses?.map((status) => [status.name, status]));
  const ephemeralContainerStatuses = pod.spec.ephemeralContainers
    ?.map((container) => told.get(container.name) ?? ephemeralStatus(container, formatTime(now)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...before,
    phase: 'Running',
    hostIP: nodeIP,
    hostIPs: [{ ip: nodeIP }],
    podIP: ip,
    podIPs: [{ ip }],
    startTime: before.startTime ?? formatTime(now),
    conditions: conditions(pod, now, {
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      ContainersReady: ready ? 'True' : 'False',
      Ready: ready && gates ? 'True' : 'False',
      PodScheduled: 'True',
    }),
    ...(initContainerStatuses && { initContainerStatuses }),
    containerStatuses,
    ...(ephemeralContainerStatuses && { ephemeralContainerStatuses }),
  };
}

interface ContainerInput {
  readonly phase: ContainerPhase;
  readonly ready: boolean;
  readonly before: Readonly<ContainerStatus> | undefined;
}

function containerStatus({ name, image = '' }: Container, { phase, ready, before }: ContainerInput): ContainerStatus {
  const common = { name, image, imageID: `hollow://${image}`, containerID: `hollow://${name}` };
  if (phase.kind !== 'running') {
    const [exitCode, finishedAt] = phase.kind === 'waiting' ? [phase.exitCode, phase.finishedAt] : [0, ''];
    const terminated = { exitCode, finishedAt, reason: reasonOf(exitCode) };
    return {
      ...common,
      ready: false,
      started: false,
      restartCount: before?.restartCount ?? 0,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off restarting failed container' } },
      lastState: { terminated },
    };
  }
  return {
    ...common,
    ready,
    started: true,
    restartCount: phase.restartCount,
    state: { running: { startedAt: phase.startedAt } },
    lastState: before?.lastState ?? {},
  };
}

function initStatus({ name, image = '', restartPolicy }: Container, at: string): ContainerStatus {
  const common = { name, image, imageID: `hollow://${image}`, containerID: `hollow://${name}`, restartCount: 0 };
  if (restartPolicy === 'Always') {
    return { ...common, ready: true, started: true, state: { running: { startedAt: at } }, lastState: {} };
  }
  const terminated = { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at };
  return { ...common, ready: true, started: false, state: { terminated }, lastState: {} };
}

/** It runs from when it was first met, and is never asked whether it is ready. */
function ephemeralStatus({ name, image = '' }: EphemeralContainer, at: string): ContainerStatus {
  const common = { name, image, imageID: `hollow://${image}`, containerID: `hollow://${name}`, restartCount: 0 };
  return { ...common, ready: false, state: { running: { startedAt: at } }, lastState: {} };
}

function endedStatus({ pod, now }: PlayInput, exitCode: number): PodStatus {
  const before = pod.status ?? {};
  const finishedAt = formatTime(now);
  const containerStatuses = pod.spec.containers.map(({ name, image = '' }, i): ContainerStatus => {
    const old = before.containerStatuses?.[i];
    const startedAt = old?.state?.running?.startedAt ?? finishedAt;
    const terminated = { exitCode, reason: reasonOf(exitCode), startedAt, finishedAt, containerID: `hollow://${name}` };
    return {
      name,
      image,
      imageID: `hollow://${image}`,
      containerID: `hollow://${name}`,
      ready: false,
      started: false,
      restartCount: old?.restartCount ?? 0,
      state: { terminated },
      lastState: old?.lastState ?? {},
    };
  });
  const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
  const wanted = { PodReadyToStartContainers: 'False', Initialized: 'True', ContainersReady: 'False', Ready: 'False' };
  return {
    ...before,
    phase,
    startTime: before.startTime ?? finishedAt,
    conditions: conditions(pod, now, wanted, exitCode === 0 ? 'PodCompleted' : 'PodFailed'),
    containerStatuses,
    ...(before.ephemeralContainerStatuses && {
      ephemeralContainerStatuses: before.ephemeralContainerStatuses.map((old) => killedStatus(old, finishedAt)),
    }),
  };
}

/** What still ran when its pod ended. */
function killedStatus(old: Readonly<ContainerStatus>, finishedAt: string): ContainerStatus {
  const startedAt = old.state?.running?.startedAt;
  if (startedAt === undefined) return old;
  const exitCode = 137;
  const terminated = { exitCode, reason: reasonOf(exitCode), startedAt, finishedAt, containerID: old.containerID };
  return { ...old, state: { terminated } };
}

function reasonOf(exitCode: number): string {
  return exitCode === 0 ? 'Completed' : 'Error';
}

/** Conditions of others stay; a transition is a change of the status. */
function conditions(
  pod: Readonly<Pod>,
  now: number,
  wanted: Readonly<Record<string, string>>,
  reason?: string,
): PodCondition[] {
  const before = pod.status?.conditions ?? [];
  const own = Object.entries(wanted).map(([type, status]): PodCondition => {
    const old = before.find((c) => c.type === type);
    if (old?.status === status) return old;
    const why = status === 'False' && type.endsWith('Ready') && { reason: reason ?? 'ContainersNotReady' };
    return { type, status, lastTransitionTime: formatTime(now), ...why };
  });
  return [...before.filter((c) => wanted[c.type] === undefined), ...own];
}
