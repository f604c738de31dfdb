import { expect, test } from 'vitest';
import { parseRequestInfo } from './request-info.ts';
import { checkTimeout } from './request-timeout.ts';

const check = (timeout: string, path = '/api/v1/pods') => {
  const query = new URLSearchParams({ timeout });
  checkTimeout(query, parseRequestInfo('GET', path, query));
};

test.each(['32s', '1h0m0.5s', '0', '', '3600s', '-1s'])('%j is a time to wait', (timeout) => {
  expect(() => check(timeout)).not.toThrow();
});

test.each([
  ['invalid', 'time: invalid duration "invalid"'],
  ['30', 'time: missing unit in duration "30"'],
  ['3d', 'time: unknown unit "d" in duration "3d"'],
])('%j is none', (timeout, why) => {
  expect(() => check(timeout)).toThrow(`invalid timeout specified in the request URL - ${why}`);
  expect(() => check(timeout, '/healthz')).toThrow(why);
  expect(() => check(timeout, '/api/v1/watch/pods')).not.toThrow();
});
