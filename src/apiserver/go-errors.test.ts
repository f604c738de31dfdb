import { expect, test } from 'vitest';
import { statusMessage } from './go-errors.ts';

test.each([
  [403, '', 'unknown'],
  [403, ' no ', 'no'],
  [409, 'x', 'the server reported a conflict'],
  [415, '', 'unknown'],
  [422, 'x', 'the server rejected our request due to an error in our request'],
  [500, '', 'an error on the server ("unknown") has prevented the request from succeeding'],
])('an answer of %i with %j: %s', (status, text, message) => {
  expect(statusMessage(status, text)).toBe(message);
});
