// The row of a Pod in `kubectl get` (service-semantics 8).
import { humanDuration } from '../../../../apimachinery/duration.ts';
import { ageCell, ageColumn, column, nameColumn } from '../../../define.ts';
import type { TableRowCondition } from '../../../resource.ts';
import type { ContainerStatus, Pod } from '../types.generated.ts';
import { isSidecar } from './facts.ts';

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
  const look = lookAt(pod);
  const sidecars = (spec?.initContainers ?? []).filter(isSidecar).length;
  return [
    metadata.name,
    `${look.ready}/${(spec?.containers?.length ?? 0) + sidecars}`,
    look.status,
    restartsCell(look.restarted, now),
    ageCell(pod, now),
    status?.podIPs?.[0]?.ip || status?.podIP || '<none>',
    spec?.nodeName || '<none>',
    status?.nominatedNodeName || '<none>',
    readinessGates(pod),
  ];
}

/** A Pod that has run to its end is completed, whichever that was. */
export function podRowConditions({ status }: Pod): readonly TableRowCondition[] {
  const reason = status?.phase;
  if (reason !== 'Succeeded' && reason !== 'Failed') return [];
  const message = reason === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return [{ type: 'Completed', status: 'True', reason, message }];
}

/** What `kubectl get pods` shows as STATUS: the phase, unless a container or a deletion says more. */
export function podStatus(pod: Pod): string {
  return lookAt(pod).status;
}

function restartsCell(containers: readonly ContainerStatus[], now: number): string {
  const restarts = containers.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const ends = containers.flatMap(({ lastState }) => Date.parse(lastState?.terminated?.finishedAt ?? '') || []);
  return restarts > 0 && ends.length > 0
    ? `${restarts} (${humanDuration(now - Math.max(...ends))} ago)`
    : String(restarts);
}

interface Look {
  readonly status: string;
  readonly ready: number;
  /** The containers whose restarts count. */
  readonly restarted: readonly ContainerStatus[];
}

/** The containers in the order in which they start: init containers up to the first that is not done, then the others. */
function lookAt(pod: Pod): Look {
  const { status } = pod;
  const init = lookAtInitContainers(pod);
  if (init.reason !== undefined && !isTrue(status?.conditions, 'Initialized')) {
    return { status: unlessDeleted(pod, init.reason), ready: init.ready, restarted: init.seen };
  }
  const main = lookAtContainers(pod, init.reason ?? reasonOf(pod));
  // Once the Pod is initialized only restarts of what still runs count.
  const restarted = [...init.seen.filter(({ name }) => init.sidecars.has(name)), ...(status?.containerStatuses ?? [])];
  return { status: unlessDeleted(pod, main.reason), ready: init.ready + main.ready, restarted };
}

function reasonOf({ status }: Pod): string {
  const gated = status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : status?.reason || (status?.phase ?? '');
}

function unlessDeleted({ status, metadata }: Pod, reason: string): string {
  if (!metadata.deletionTimestamp) return reason;
  if (status?.reason === 'NodeLost') return 'Unknown';
  return status?.phase === 'Succeeded' || status?.phase === 'Failed' ? reason : 'Terminating';
}

function isTrue(conditions: readonly { type: string; status: string }[] | undefined, type: string): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
}

interface InitLook {
  /** What the first container that is not done says; undefined when all are. */
  readonly reason?: string;
  readonly ready: number;
  /** The containers up to and with that one. */
  readonly seen: readonly ContainerStatus[];
  readonly sidecars: ReadonlySet<string>;
}

function lookAtInitContainers({ spec, status }: Pod): InitLook {
  const containers = spec?.initContainers ?? [];
  const statuses = status?.initContainerStatuses ?? [];
  const sidecars = new Set(containers.filter(isSidecar).map(({ name }) => name));
  const isRunning = ({ name, started }: ContainerStatus): boolean => sidecars.has(name) && started === true;
  const isDone = (one: ContainerStatus): boolean => one.state?.terminated?.exitCode === 0 || isRunning(one);
  const at = statuses.findIndex((one) => !isDone(one));
  const seen = at < 0 ? statuses : statuses.slice(0, at + 1);
  const ready = seen.filter((one) => isRunning(one) && one.ready && one.state?.terminated?.exitCode !== 0).length;
  const current = statuses[at];
  if (!current) return { ready, seen, sidecars };
  const { terminated, waiting } = current.state ?? {};
  if (terminated) return { reason: `Init:${terminatedText(terminated)}`, ready, seen, sidecars };
  const isWaiting = waiting?.reason && waiting.reason !== 'PodInitializing';
  return { reason: isWaiting ? `Init:${waiting.reason}` : `Init:${at}/${containers.length}`, ready, seen, sidecars };
}

function terminatedText({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function lookAtContainers({ status }: Pod, otherwise: string): { readonly reason: string; readonly ready: number } {
  let reason = otherwise;
  let ready = 0;
  // The first container's state is the one shown, so that it is looked at last.
  for (const one of (status?.containerStatuses ?? []).toReversed()) {
    if (one.state?.waiting?.reason) reason = one.state.waiting.reason;
    else if (one.state?.terminated) reason = terminatedText(one.state.terminated);
    else if (one.ready && one.state?.running) ready++;
  }
  // Some containers are done while others run.
  if (reason === 'Completed' && ready > 0) reason = isTrue(status?.conditions, 'Ready') ? 'Running' : 'NotReady';
  return { reason, ready };
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const open = gates.filter(({ conditionType }) => isTrue(status?.conditions, conditionType)).length;
  return `${open}/${gates.length}`;
}
