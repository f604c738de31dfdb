import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalRow } from './journal.ts';
import { packRows, unpackRows } from './packed-rows.ts';

const text = fc.string({ unit: fc.constantFrom('a', '\n', ' ', '"', 'ä', '中', '😀', '\ud800', '\0') });
const row: fc.Arbitrary<JournalRow> = fc.tuple(fc.maxSafeNat(), text, fc.option(text), fc.nat(), fc.nat());

test('rows come out as they went in', () => {
  const samePacked = fc.property(fc.array(row), (rows) => {
    expect(unpackRows(packRows(rows))).toEqual(rows);
  });
  fc.assert(samePacked);
});
