import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { History } from './history.ts';

const pod = (name: string, revision: number, more: object = {}): KubeObject => ({
  kind: 'Pod',
  metadata: { name, namespace: 'demo', resourceVersion: String(revision) },
  ...more,
});
const node = (revision: number, ready: string, heartbeat: string): KubeObject =>
  ({
    kind: 'Node',
    metadata: { name: 'a', resourceVersion: String(revision) },
    status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: heartbeat }] },
  }) as KubeObject;

const namesAt = (history: History, revision: number) =>
  history
    .at({ revision })
    ?.objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
    .sort();

function filled(limits?: ConstructorParameters<typeof History>[0]): History {
  const history = new History(limits);
  history.begin(pod('old', 5), 1000);
  history.record(pod('new', 7), 2000);
  history.record(pod('old', 8), 3000);
  history.record(pod('new', 9), 4000, true);
  return history;
}

test('the world is known as of each revision and time that is kept, and not before', () => {
  const history = filled();
  expect([4, 5, 6, 7, 8, 9, 99].map((revision) => namesAt(history, revision))).toEqual([
    undefined,
    ['old@5'],
    ['old@5'],
    ['new@7', 'old@5'],
    ['new@7', 'old@8'],
    ['old@8'],
    ['old@8'],
  ]);
  expect(history.at({ time: 999 })).toBeUndefined();
  expect(history.at({ time: 3500 })).toMatchObject({ revision: 8, time: 3000 });
  expect(history.changes().map(({ id, change }) => `${id} ${change}`)).toEqual([
    'Pod demo/new created',
    'Pod demo/old changed',
    'Pod demo/new deleted',
  ]);
});

test('changes of two kinds that come in another order than they were made are put in order', () => {
  const history = filled();
  history.record(pod('later', 12), 5000);
  history.record(pod('earlier', 11), 5001);
  expect(history.changes().map(({ revision }) => revision)).toEqual([7, 8, 9, 11, 12]);
  expect(namesAt(history, 11)).toEqual(['earlier@11', 'old@8']);
});

test('what is too much or too old becomes part of the beginning', () => {
  expect(filled({ maxAge: 1e9, maxChanges: 2 }).first).toEqual({ revision: 7, time: 2000 });
  const aged = filled({ maxAge: 1000, maxChanges: 100 });
  expect(aged.first).toEqual({ revision: 7, time: 2000 });
  expect(namesAt(aged, 6)).toBeUndefined();
  expect(namesAt(aged, 8)).toEqual(['new@7', 'old@8']);
});

test('a node that says again what it said is no change; one that is not ready any more is', () => {
  const history = new History();
  history.begin(node(1, 'True', '10:00'), 0);
  history.record(node(2, 'True', '10:01'), 1);
  expect(history.changes()).toEqual([]);
  history.record(node(3, 'Unknown', '10:01'), 2);
  expect(history.changes()).toMatchObject([{ revision: 3, change: 'changed' }]);
});
