import { expect, test } from 'vitest';
import { HistoryLostError } from '../storage.ts';
import { History } from './history.ts';

const header = (revision: number, clusterId = 1) => ({ clusterId, revision });

test('answers that cross one another are no step back', () => {
  const history = new History();
  const first = history.ask();
  const second = history.ask();
  history.answered(header(12), second);
  history.answered(header(10), first);
  expect(history.ask()).toBe(12);
});

test('a revision below one that was known when the question was asked is one, and nothing is answered from then on', () => {
  const history = new History();
  history.answered(header(10), history.ask());
  history.reached(12);
  expect(() => history.answered(header(11), history.ask())).toThrow("etcd's revision went back from 12 to 11");
  expect(() => history.answered(header(13), 12)).toThrow(HistoryLostError);
  expect(() => history.ask()).toThrow(HistoryLostError);
});

test('so is another cluster, however far it has come', () => {
  const history = new History();
  history.answered(header(10, 1), history.ask());
  expect(() => history.answered(header(20, 2), history.ask())).toThrow('another cluster of etcd answers than before');
});
