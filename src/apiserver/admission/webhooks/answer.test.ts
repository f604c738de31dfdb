import { expect, test } from 'vitest';
import { parseAnswer } from './answer.ts';

const v1 = 'admission.k8s.io/v1';
const review = (response: object, more: object = {}) =>
  JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: v1,
    response: { uid: 'u', allowed: true, ...response },
    ...more,
  });

test('an answer is taken as it is, with fields that nobody knows', () => {
  expect(parseAnswer(review({ more: 1, warnings: ['w'], patch: 'W10=' }), v1)).toMatchObject({
    response: { uid: 'u', allowed: true, warnings: ['w'] },
  });
});

test('null is an answer without a response', () => {
  expect(parseAnswer('null', v1)).toEqual({});
});

const typeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
const inScheme = 'in scheme "k8s.io/apiserver/pkg/util/webhook/client.go:71"';

test.each([
  [
    'hello',
    `couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type ${typeMeta}`,
  ],
  ['[]', `couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ${typeMeta}`],
  [review({}, { kind: 'Foo' }), `no kind "Foo" is registered for version "${v1}" ${inScheme}`],
  [review({}, { apiVersion: 'x.io/v1' }), `no kind "AdmissionReview" is registered for version "x.io/v1" ${inScheme}`],
  [
    review({}, { apiVersion: 'admission.k8s.io/v1beta1' }),
    'converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion',
  ],
  [
    review({ allowed: 'yes' }),
    'json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool',
  ],
  [
    review({ warnings: 'w' }),
    'json: cannot unmarshal string into Go struct field AdmissionResponse.response.warnings of type []string',
  ],
  [
    review({ status: { code: '7' } }),
    'json: cannot unmarshal string into Go struct field Status.response.status.code of type int32',
  ],
  [review({ patch: '!!!', patchType: 'JSONPatch' }), 'illegal base64 data at input byte 0'],
])('%s is no answer', (text, message) => {
  expect(() => parseAnswer(text, v1)).toThrow(new Error(message));
});
