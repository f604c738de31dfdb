import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { History } from './history.ts';
import { LogReader, logLine } from './history-log.ts';

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

test('a record that is kept as lines goes on where it ended, with what changed while nobody looked', () => {
  const limits = { maxAge: 1e9, maxChanges: 3 };
  const first = filled(limits);
  const lines = [logLine({ began: { revision: 5, time: 1000 } })];
  for (const [object, time] of [
    [pod('new', 10), 5000],
    [pod('old', 11, { spec: 1 }), 6000],
  ] as const) {
    const change = first.record(object, time);
    if (change) lines.push(logLine({ change }));
  }
  lines.splice(2, 0, '{"change":{"revis', '');
  lines.push(logLine({ complete: 12 }), '{"change":{"revis');
  const reader = new LogReader(limits);
  for (const line of lines) reader.read(line);
  const kept = reader.kept(7000);
  expect(kept).toMatchObject({ began: { revision: 5, time: 1000 }, complete: 12 });

  const again = new History(limits);
  again.resume(kept?.began ?? { revision: 0, time: 0 }, kept?.changes ?? []);
  for (const object of first.known()) again.begin(object, 7000);
  expect(again.present(pod('new', 10), 9000)).toBeUndefined();
  expect(again.present(pod('old', 14), 9000)).toMatchObject({ change: 'changed', revision: 14 });
  expect(again.first).toEqual({ revision: 5, time: 1000 });
  expect(again.changes().map(({ revision }) => revision)).toEqual([10, 11, 14]);
  expect([9, 10, 11, 14].map((revision) => namesAt(again, revision))).toEqual([
    ['old@8'],
    ['new@10', 'old@8'],
    ['new@10', 'old@11'],
    ['new@10', 'old@14'],
  ]);
  expect(new LogReader({ maxAge: 500, maxChanges: 100 }).kept(0)).toBeUndefined();
});

test('lines that are too old or too many are left out, and the record begins after them', () => {
  const change = (revision: number, time: number) =>
    logLine({ change: { revision, time, id: `Pod demo/${revision}`, change: 'created', before: undefined } });
  const read = (maxAge: number, maxChanges: number) => {
    const reader = new LogReader({ maxAge, maxChanges });
    for (const line of [logLine({ began: { revision: 1, time: 0 } }), change(3, 200), change(2, 100), change(4, 300)]) {
      reader.read(line);
    }
    const { began, changes } = reader.kept(300) ?? {};
    return [began?.revision, changes?.map(({ revision }) => revision)];
  };
  expect(read(1000, 10)).toEqual([1, [2, 3, 4]]);
  expect(read(100, 10)).toEqual([2, [3, 4]]);
  expect(read(1000, 1)).toEqual([3, [4]]);
  expect(read(-1, 10)).toEqual([4, []]);
});

test('whatever is kept, the past is as it was told', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), isGone: fc.boolean() }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      (steps, maxChanges) => {
        const history = new History({ maxAge: 1e9, maxChanges });
        const told = new Map<number, string[]>();
        const there = new Map<string, number>();
        for (const [i, { name, isGone }] of steps.entries()) {
          if (isGone && !there.has(name)) continue;
          history.record(pod(name, i + 1), i, isGone);
          if (isGone) there.delete(name);
          else there.set(name, i + 1);
          told.set(i + 1, [...there].map(([key, revision]) => `${key}@${revision}`).sort());
        }
        for (const [revision, names] of told) {
          if (revision >= history.first.revision) expect(namesAt(history, revision)).toEqual(names);
          else expect(namesAt(history, revision)).toBeUndefined();
        }
        expect(history.changes().length).toBeLessThanOrEqual(maxChanges);
      },
    ),
  );
});
