import { expect, test } from 'vitest';
import { pemBlocks } from './pem.ts';

const of = (type: string, ...lines: string[]) => [`-----BEGIN ${type}-----`, ...lines, `-----END ${type}-----`];
const found = (...lines: string[]) =>
  pemBlocks(lines.join('\n')).map(({ type, hasHeaders, bytes }) => [type, hasHeaders, bytes.toString()]);

test.each<[string, string[], unknown[]]>([
  ['nothing', [], []],
  [
    'two, and text around them',
    ['x', ...of('A', 'aGk='), 'y', ...of('B', 'aG', 'k=')],
    [
      ['A', false, 'hi'],
      ['B', false, 'hi'],
    ],
  ],
  ['white space at the ends of lines', of('A', 'aGk=').map((line) => `${line} \t\r`), [['A', false, 'hi']]],
  ['nothing in it', of('A'), [['A', false, '']]],
  ['headers', of('A', 'Proc-Type: 4,ENCRYPTED', '', 'aGk='), [['A', true, 'hi']]],
  ['headers alone', of('A', 'Proc-Type: 4,ENCRYPTED'), []],
  ['no base64', of('A', 'aGk'), []],
  ['one that does not end, and one that does', ['-----BEGIN A-----', 'aGk=', ...of('B', 'aGk=')], [['B', false, 'hi']]],
  ['another end, which ends it', ['-----BEGIN A-----', '-----END B-----', 'aGk=', '-----END A-----'], []],
  ['a beginning inside of a line', ['-----BEGIN A-----', 'x-----BEGIN A-----', 'aGk=', '-----END A-----'], []],
  ['too few dashes', ['-----BEGIN A----', 'aGk=', '-----END A----'], []],
])('%s', (_what, lines, blocks) => expect(found(...lines)).toEqual(blocks));

test('blocks that never end take no longer than others', () => {
  const start = performance.now();
  expect(pemBlocks('-----BEGIN A-----\n'.repeat(100_000))).toEqual([]);
  expect(performance.now() - start).toBeLessThan(2000);
});
