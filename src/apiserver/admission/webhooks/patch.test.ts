import { expect, test } from 'vitest';
import { StatusError } from '../../../apimachinery/status.ts';
import type { AdmissionRequest } from '../admission.ts';
import { replaceObject } from '../replace-object.ts';
import { WebhookCallError } from './call.ts';
import { operationsOf } from './patch.ts';
import type { Verdict } from './review.ts';

const add = { op: 'add', path: '/x', value: 1 };
const request = { object: {} } as AdmissionRequest;
const read = (patch: string, patchType = 'JSONPatch', of = request) =>
  operationsOf({ patch, patchType } as Verdict, 'h.example.com', of);

test.each([
  ['', []],
  ['null', []],
  ['[]', []],
  [JSON.stringify([add]), [add]],
])('%j has the operations %j', (patch, operations) => {
  expect(read(patch)).toEqual(operations);
});

const undecodable = (why: string) => new WebhookCallError(`received undecodable patch in webhook response: ${why}`);

// What the failure policy may overlook.
test.each([
  ['{}', 'JSONPatch', undecodable('json: cannot unmarshal object into Go value of type jsonpatch.Patch')],
  ['"x"', 'JSONPatch', undecodable('json: cannot unmarshal string into Go value of type jsonpatch.Patch')],
  ['[{', 'JSONPatch', undecodable('unexpected end of JSON input')],
  [JSON.stringify([add]), 'MergePatch', new WebhookCallError('unsupported patch type "MergePatch"')],
])('%s (%s) is no patch', (patch, type, error) => {
  expect(() => read(patch, type)).toThrow(error);
});

test('where there is no object, there is none to change', () => {
  const why = 'attempted to modify the object, which is not supported for this operation';
  expect(() => read(JSON.stringify([add]), '', { object: undefined } as AdmissionRequest)).toThrow(
    `Internal error occurred: admission webhook "h.example.com" ${why}`,
  );
});

test.each([
  [
    { kind: 'Other', metadata: { name: 'a' } },
    422,
    'Other.x.io "a" is invalid: kind: Invalid value: "Other": must be Thing',
  ],
  [{ spec: '<' }, 500, `Internal error occurred: Object 'Kind' is missing in '{"spec":"\\u003c"}'`],
])('a custom resource cannot become %j', (changed, code, message) => {
  const kind = { group: 'x.io', version: 'v1', kind: 'Thing' };
  const of = { object: {}, kind, definition: { ...kind, schema: {} } } as unknown as AdmissionRequest;
  const replace = () => replaceObject(of, changed, { schemas: { schemaOf: () => undefined } } as never);
  expect(replace).toThrow(StatusError);
  expect(replace).toThrow(expect.objectContaining({ status: expect.objectContaining({ code, message }) }));
});
