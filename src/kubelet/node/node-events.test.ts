import { expect, test } from 'vitest';
import type { NodeStatus } from '../../api/core/v1/types.generated.ts';
import { nodeEvents, schedulableEvent } from './node-events.ts';

function status(bootID: string, conditions: Readonly<Record<string, string>>): NodeStatus {
  const nodeInfo = { bootID } as NonNullable<NodeStatus['nodeInfo']>;
  return { nodeInfo, conditions: Object.entries(conditions).map(([type, value]) => ({ type, status: value })) };
}

const calm = { MemoryPressure: 'False', DiskPressure: 'False', PIDPressure: 'False' };
const said = (before: NodeStatus | undefined, now: NodeStatus) =>
  nodeEvents('node-1', before, now).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

test('a new node tells what it has enough of, and that it is ready when it is', () => {
  expect(said(undefined, status('a', { ...calm, Ready: 'False' }))).toEqual([
    'Normal NodeHasSufficientMemory: Node node-1 status is now: NodeHasSufficientMemory',
    'Normal NodeHasNoDiskPressure: Node node-1 status is now: NodeHasNoDiskPressure',
    'Normal NodeHasSufficientPID: Node node-1 status is now: NodeHasSufficientPID',
  ]);
  expect(said(status('a', { ...calm, Ready: 'False' }), status('a', { ...calm, Ready: 'True' }))).toEqual([
    'Normal NodeReady: Node node-1 status is now: NodeReady',
  ]);
});

test('only changes are told; one that was unknown is told when it is known again', () => {
  const fine = status('a', { ...calm, Ready: 'True' });
  expect(said(fine, fine)).toEqual([]);
  expect(said(fine, status('a', { ...calm, DiskPressure: 'True', Ready: 'False' }))).toEqual([
    'Normal NodeHasDiskPressure: Node node-1 status is now: NodeHasDiskPressure',
    'Normal NodeNotReady: Node node-1 status is now: NodeNotReady',
  ]);
  expect(said(status('a', { ...calm, Ready: 'Unknown' }), fine)).toEqual([
    'Normal NodeReady: Node node-1 status is now: NodeReady',
  ]);
});

test('a machine that was booted again', () => {
  const [before, now] = [status('a', { ...calm, Ready: 'True' }), status('b', { ...calm, Ready: 'True' })];
  expect(said(before, now)).toEqual(['Warning Rebooted: Node node-1 has been rebooted, boot id: b']);
});

test('cordoned and released', () => {
  const node = (unschedulable: boolean) => ({ metadata: { name: 'node-1' }, spec: { unschedulable } });
  expect(schedulableEvent(node(true), undefined)).toBeUndefined();
  expect(schedulableEvent(node(true), true)).toBeUndefined();
  expect(schedulableEvent(node(true), false)?.message).toBe('Node node-1 status is now: NodeNotSchedulable');
  expect(schedulableEvent(node(false), true)?.reason).toBe('NodeSchedulable');
});
