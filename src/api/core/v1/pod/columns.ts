// The row of a Pod in `kubectl get` (service-semantics 8).
import { humanDuration } from '../../../../apimachinery/duration.ts';
import { ageCell, ageColumn, column, nameColumn } from '../../../define.ts';
import type { Container, ContainerStatus, Pod } from '../types.generated.ts';

export const podColumns = [
  nameColumn,
  column('Ready', 'Containers that are ready, of all.'),
  column('Status', 'What the Pod is doing, as far as its containers tell.'),
  column('Restarts', 'How often containers were restarted, and how long ago the last time.'),
  ageColumn,
  column('IP', 'The first address of the Pod.', { priority: 1 }),
  column('Node', 'The node that the Pod is bound to.', { priority: 1 }),
  column('Nominated Node', 'The node that will be free for the Pod after preemption.', { priority: 1 }),
  column('Readiness Gates', 'Further conditions of readiness that are true, of all.', { priority: 1 }),
];

export function podCells(pod: Pod, now: number): unknown[] {
  const { spec, status, metadata } = pod;
  const { ready, restarts, lastRestart } = count(pod);
  const restartable = (spec?.initContainers ?? []).filter(isSidecar).length;
  const total = (spec?.containers?.length ?? 0) + restartable;
  const ago = lastRestart === undefined ? '' : ` (${humanDuration(now - lastRestart)} ago)`;
  return [
    metadata.name,
    `${ready}/${total}`,
    podStatus(pod),
    restarts > 0 ? `${restarts}${ago}` : '0',
    ageCell(pod, now),
    status?.podIPs?.[0]?.ip || status?.podIP || '<none>',
    spec?.nodeName || '<none>',
    status?.nominatedNodeName || '<none>',
    readinessGates(pod),
  ];
}

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always';

function count({ spec, status }: Pod): { ready: number; restarts: number; lastRestart: number | undefined } {
  const sidecars = new Set((spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const initStatuses = status?.initContainerStatuses ?? [];
  const statuses = status?.containerStatuses ?? [];
  const initialized = isTrue(status?.conditions, 'Initialized') || statuses.some(({ state }) => state?.running);
  // Once the Pod is initialized only restarts of what still runs count.
  const counted = initialized ? [...initStatuses.filter(({ name }) => sidecars.has(name)), ...statuses] : initStatuses;
  const ends = counted.flatMap(({ lastState }) => Date.parse(lastState?.terminated?.finishedAt ?? '') || []);
  const isReady = ({ ready, state }: ContainerStatus): boolean => ready && state?.running !== undefined;
  return {
    ready:
      statuses.filter(isReady).length +
      initStatuses.filter(({ name, started, ready }) => sidecars.has(name) && started && ready).length,
    restarts: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: ends.length > 0 ? Math.max(...ends) : undefined,
  };
}

function isTrue(conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

/** What `kubectl get pods` shows as STATUS: the phase, unless a container or a deletion says more. */
export function podStatus(pod: Pod): string {
  const { status, metadata } = pod;
  const phase = status?.phase ?? '';
  let reason = status?.reason || phase;
  if (status?.conditions?.some(({ type, reason: why }) => type === 'PodScheduled' && why === 'SchedulingGated')) {
    reason = 'SchedulingGated';
  }
  const initializing = initStatus(pod);
  if (initializing !== undefined) reason = initializing;
  if (initializing === undefined || isTrue(status?.conditions, 'Initialized')) reason = mainStatus(pod, reason);
  if (!metadata.deletionTimestamp) return reason;
  if (status?.reason === 'NodeLost') return 'Unknown';
  return phase === 'Succeeded' || phase === 'Failed' ? reason : 'Terminating';
}

/** What the first init container that is not done says; undefined when all are. */
function initStatus({ spec, status }: Pod): string | undefined {
  const containers = spec?.initContainers ?? [];
  const sidecars = new Set(containers.filter(isSidecar).map(({ name }) => name));
  for (const [i, { name, state, started }] of (status?.initContainerStatuses ?? []).entries()) {
    if (state?.terminated?.exitCode === 0) continue;
    if (sidecars.has(name) && started) continue;
    if (state?.terminated) return `Init:${terminatedText(state.terminated)}`;
    const waiting = state?.waiting?.reason;
    if (waiting && waiting !== 'PodInitializing') return `Init:${waiting}`;
    return `Init:${i}/${containers.length}`;
  }
  return undefined;
}

function terminatedText({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function mainStatus({ status }: Pod, phase: string): string {
  let reason = phase;
  let running = false;
  // The first container's state is the one shown, so that it is looked at last.
  for (const { state, ready } of (status?.containerStatuses ?? []).toReversed()) {
    if (state?.waiting?.reason) reason = state.waiting.reason;
    else if (state?.terminated) reason = terminatedText(state.terminated);
    else if (ready && state?.running) running = true;
  }
  // Some containers are done while others run.
  if (reason === 'Completed' && running) return isTrue(status?.conditions, 'Ready') ? 'Running' : 'NotReady';
  return reason;
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) => isTrue(status?.conditions, conditionType)).length;
  return `${open}/${gates.length}`;
}
