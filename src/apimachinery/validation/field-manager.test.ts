import { expect, test } from 'vitest';
import { fieldErrorMessage } from './field-error.ts';
import { managedFieldsErrors, managerOfUserAgent } from './field-manager.ts';

const entry = { operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} };
const at = 'metadata.managedFields[0]';

// Recorded of k8s.io/apimachinery 1.36.
test.each<[object, string[]]>([
  [{ manager: 'a b ü' }, []],
  [{ manager: 'x'.repeat(128), subresource: 's'.repeat(256) }, []],
  [{ operation: 'x' }, [`${at}.operation: Invalid value: "x": must be \`Apply\` or \`Update\``]],
  [{ fieldsType: 'x' }, [`${at}.fieldsType: Invalid value: "x": must be \`FieldsV1\``]],
  [{ fieldsType: '' }, []],
  [{ manager: 'x'.repeat(129) }, [`${at}.manager: Too long: may not be more than 128 bytes`]],
  [{ manager: 'a\tb' }, [`${at}.manager: Invalid value: "a\\tb": invalid character U+0009 (at position 1)`]],
  [{ manager: 'ü\u2028' }, [`${at}.manager: Invalid value: "ü\\u2028": invalid character U+2028 (at position 2)`]],
  [{ subresource: 's'.repeat(257) }, [`${at}.subresource: Too long: may not be more than 256 bytes`]],
])('an entry of managedFields with %j: %j', (more, messages) => {
  const errors = managedFieldsErrors([{ ...entry, ...more }], 'metadata.managedFields');
  expect(errors.map(fieldErrorMessage)).toEqual(messages);
});

test.each([
  ['kubectl/v1.36.0 (linux/amd64)', 'kubectl'],
  ['', ''],
  ['a\tb\u2028c/1', 'abc'],
  ['x'.repeat(200), 'x'.repeat(128)],
  [`${'x'.repeat(127)}üx`, 'x'.repeat(127)],
])('the User-Agent %j is the manager %j', (agent, manager) => {
  expect(managerOfUserAgent(agent)).toBe(manager);
});
