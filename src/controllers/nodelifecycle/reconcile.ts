// What a node's silence or trouble means (upstream pkg/controller/nodelifecycle, tainteviction).

import type { Node, NodeCondition, Taint } from '../../api/core/v1/types.generated.ts';
import { table } from '../../apimachinery/table.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { isOfSilence, notReadyTaint, unreachableTaint } from '../shared/node-taints.ts';

/** Conditions that a kubelet reports, and that nobody knows when it is silent. */
const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];
const pressureTaints = table<string>({
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
});
const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const managed = new Set([notReadyTaint, unreachableTaint, unschedulableTaint, ...Object.values(pressureTaints)]);

export function readyStatusOf(node: Readonly<Node>): string {
  return node.status?.conditions?.find((c) => c.type === 'Ready')?.status ?? 'Unknown';
}

/** The conditions of a node that has been silent too long; undefined when they say so already. */
export function silentConditions(node: Readonly<Node>, now: number): NodeCondition[] | undefined {
  const time = formatTime(now);
  const conditions = [...(node.status?.conditions ?? [])];
  let changed = false;
  for (const type of reported) {
    const index = conditions.findIndex((c) => c.type === type);
    const present = conditions[index];
    if (present?.status === 'Unknown') continue;
    changed = true;
    if (present) {
      const told = { reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
      conditions[index] = { ...present, status: 'Unknown', ...told, lastTransitionTime: time };
    } else {
      const told = { reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.' };
      const lastHeartbeatTime = node.metadata.creationTimestamp ?? time;
      conditions.push({ type, status: 'Unknown', ...told, lastHeartbeatTime, lastTransitionTime: time });
    }
  }
  return changed ? conditions : undefined;
}

/**
 * The node's taints as its conditions want them; undefined when they are so. Taints of others are kept. `mayEvict` is asked
 * whether a node that is not ready may drive its pods away.
 */
export function taintsFor(node: Readonly<Node>, now: number, mayEvict: () => boolean): Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const evicts = readyStatusOf(node) === 'True' || mayEvict();
  const wanted = wantedTaints(node).filter(({ effect }) => evicts || effect !== 'NoExecute');
  const kept = present.filter((taint) => !managed.has(taint.key) || wanted.some((w) => same(w, taint)));
  const added = wanted.filter((w) => !present.some((taint) => same(w, taint)));
  if (added.length === 0 && kept.length === present.length) return undefined;
  const timeAdded = formatTime(now);
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded }))];
}

/** Whether a node's silence, or its word that it is not ready, drives its pods away already. */
export function isEvicting({ spec }: Readonly<Node>): boolean {
  return (spec?.taints ?? []).some((taint) => taint.effect === 'NoExecute' && isOfSilence(taint));
}

function wantedTaints(node: Readonly<Node>): Taint[] {
  const taints: Taint[] = [];
  const ready = readyStatusOf(node);
  const key = ready === 'True' ? undefined : ready === 'False' ? notReadyTaint : unreachableTaint;
  if (key) taints.push({ key, effect: 'NoSchedule' }, { key, effect: 'NoExecute' });
  for (const { type, status } of node.status?.conditions ?? []) {
    const pressure = pressureTaints[type];
    if (pressure && status === 'True') taints.push({ key: pressure, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) taints.push({ key: unschedulableTaint, effect: 'NoSchedule' });
  return taints;
}

function same(a: Readonly<Taint>, b: Readonly<Taint>): boolean {
  return a.key === b.key && a.effect === b.effect;
}
