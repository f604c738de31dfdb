import { expect, test } from 'vitest';
import { Generations } from './generations.ts';

const generation = (id: number) => `NEWGEN: GENID=${id} PID=4711 NAME=nft`;

/** What is suspected after each line. */
function suspicions(generations: Generations, lines: readonly string[]) {
  return lines.map((line) => generations.read(line)).filter((suspicion) => suspicion !== undefined);
}

test('a generation that was announced is ours, whatever it touched', () => {
  const generations = new Generations();
  generations.announce();
  expect(suspicions(generations, [' EVENT: -4 -t portico-proxy -A services', generation(2)])).toEqual([]);
  expect(suspicions(generations, [generation(3)])).toEqual(['elements']);
});

test('a transaction that was refused makes none', () => {
  const generations = new Generations();
  generations.announce();
  generations.withdraw();
  expect(suspicions(generations, [' EVENT: -4 -t portico-proxy -D services', generation(2)])).toEqual(['edited']);
});

test('changes of other tables are of no concern', () => {
  const generations = new Generations();
  expect(suspicions(generations, [' EVENT: -4 -t filter -N DOCKER', generation(2)])).toEqual([]);
  expect(
    suspicions(generations, [' EVENT: nft: DEL table: table portico-proxy ip flags 0 use 0 handle 2', generation(3)]),
  ).toEqual(['edited']);
});

test('a monitor that ends in the middle of our table leaves a suspicion', () => {
  const generations = new Generations();
  generations.read(' EVENT: -4 -t portico-proxy ');
  expect(generations.end()).toBe('edited');
  expect(generations.end()).toBe('elements');
});
