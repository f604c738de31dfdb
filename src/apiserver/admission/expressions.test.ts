import { expect, test } from 'vitest';
import { bool, nullType, string } from '../../cel/types.ts';
import { compileAdmission } from './expressions.ts';

// What kube-apiserver 1.36 calls these types.
test.each([
  ['null', 'null_type'],
  ['duration("1h")', 'google.protobuf.Duration'],
  ['timestamp("2020-01-01T00:00:00Z")', 'google.protobuf.Timestamp'],
  ['[null]', 'list(null_type)'],
  ['{"a": duration("1h")}', 'map(string, google.protobuf.Duration)'],
  ['optional.of(null)', 'optional_type(null_type)'],
  ['type(1)', 'type(int)'],
  ['b"a"', 'bytes'],
  ['quantity("1")', 'kubernetes.Quantity'],
  ['object.spec', 'dyn'],
])('%s is no truth value but of type %s', (source, type) => {
  expect(compileAdmission(source, {}, [bool]).error).toBe(`must evaluate to bool but got ${type}`);
});

test('of several types that an expression may have, all are named', () => {
  const { error } = compileAdmission('1', {}, [string, nullType]);
  expect(error).toBe('must evaluate to one of [string null_type] but got int');
});
