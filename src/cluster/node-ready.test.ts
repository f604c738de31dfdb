import { expect, test } from 'vitest';
import type { Node } from '../api/core/v1/types.generated.ts';
import { isReadySince } from './node-ready.ts';

const node = (status: string, lastHeartbeatTime?: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'a' },
  spec: {},
  status: { conditions: [{ type: 'Ready', status, ...(lastHeartbeatTime && { lastHeartbeatTime }) }] },
});
const started = Date.parse('2026-01-31T12:00:05.700Z');

test('what a node said before its agent was started is of another agent', () => {
  expect(isReadySince(node('True', '2026-01-31T12:00:05Z'), started)).toBe(true);
  expect(isReadySince(node('True', '2026-01-31T12:00:04Z'), started)).toBe(false);
  expect(isReadySince(node('True'), started)).toBe(false);
  expect(isReadySince(node('False', '2026-01-31T12:00:06Z'), started)).toBe(false);
});

test('an agent that ran already is believed', () => {
  expect(isReadySince(node('True', '2026-01-31T12:00:04Z'), 0)).toBe(true);
  expect(isReadySince(node('Unknown', '2026-01-31T12:00:04Z'), 0)).toBe(false);
});
