// The rows of a commit as one text, on their way to the writer's thread: copying that costs less than copying an object
// of many small values, and both threads share the work.
import type { JournalRow } from './journal.ts';

/** Per row: revision, length of the key, length of the value (-1: a delete), create revision, version. */
const numbersPerRow = 5;

/** A line of numbers, then all keys and values one after another. */
export function packRows(rows: readonly JournalRow[]): string {
  const numbers: number[] = [];
  let texts = '';
  for (const [revision, key, value, created, version] of rows) {
    numbers.push(revision, key.length, value === null ? -1 : value.length, created, version);
    texts += value === null ? key : key + value;
  }
  return `${numbers.join(' ')}\n${texts}`;
}

export function unpackRows(text: string): JournalRow[] {
  let at = text.indexOf('\n') + 1;
  const numbers =
    at <= 1
      ? []
      : text
          .slice(0, at - 1)
          .split(' ')
          .map(Number);
  const take = (length: number) => {
    at += length;
    return text.slice(at - length, at);
  };
  const rows: JournalRow[] = [];
  for (let i = 0; i < numbers.length; i += numbersPerRow) {
    const [revision = 0, keyLength = 0, valueLength = 0, created = 0, version = 0] = numbers.slice(
      i,
      i + numbersPerRow,
    );
    const key = take(keyLength);
    rows.push([revision, key, valueLength < 0 ? null : take(valueLength), created, version]);
  }
  return rows;
}
