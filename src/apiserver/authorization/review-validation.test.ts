import { expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { validateLocalReview, validateSelfReview, validateSubjectReview } from './review-validation.ts';

const get = { verb: 'get', resource: 'pods' };
const here = { ...get, namespace: 'ns' };
const path = { path: '/x', verb: 'get' };
const nobody = 'spec.user: Invalid value: "": at least one of user or group must be specified';
const nothing =
  'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
const both =
  'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: cannot be specified in combination with resourceAttributes';
const elsewhere = (namespace: string) =>
  `spec.resourceAttributes.namespace: Invalid value: "${namespace}": must match metadata.namespace`;
const noPath =
  'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: disallowed on this kind of request';

// What kube-apiserver 1.20 answers, but for how 1.36 prints values that are no texts.
test.each([
  ['subject', {}, [nothing, nobody]],
  ['subject', { user: 'a' }, [nothing]],
  ['subject', { user: 'a', resourceAttributes: get, nonResourceAttributes: path }, [both]],
  ['subject', { resourceAttributes: get }, [nobody]],
  ['subject', { groups: ['g'], resourceAttributes: get }, []],
  ['subject', { user: 'a', resourceAttributes: {} }, []],
  ['subject', { user: 'a', nonResourceAttributes: {} }, []],
  ['local', { user: 'a', resourceAttributes: here }, []],
  ['local', { user: 'a', resourceAttributes: { ...here, namespace: 'other' } }, [elsewhere('other')]],
  ['local', { user: 'a', resourceAttributes: get }, [elsewhere('')]],
  ['local', { user: 'a', nonResourceAttributes: path }, [noPath]],
  ['local', { user: 'a', resourceAttributes: get, nonResourceAttributes: path }, [both, elsewhere(''), noPath]],
  ['local', { resourceAttributes: get }, [nobody, elsewhere('')]],
  ['local', {}, [nothing, nobody]],
  ['self', {}, [nothing]],
  ['self', { resourceAttributes: get, nonResourceAttributes: path }, [both]],
  ['self', { nonResourceAttributes: path }, []],
] as const)('%s review of %j', (form, spec, wanted) => {
  const validate = { subject: validateSubjectReview, local: validateLocalReview, self: validateSelfReview }[form];
  const object = { metadata: { namespace: 'ns' } } as unknown as KubeObject;
  expect(validate(object, spec as object).map(fieldErrorMessage)).toEqual(wanted);
});

test('nobody keeps a review: it has no metadata', () => {
  const named = { metadata: { name: 'x', labels: { a: 'b' } } } as unknown as KubeObject;
  const spec = { user: 'a', resourceAttributes: get };
  const at = 'metadata: Invalid value: {"name":"x","labels":{"a":"b"}}: must be empty';
  expect(validateSubjectReview(named, spec).map(fieldErrorMessage)).toEqual([at]);
  expect(validateSelfReview(named, spec).map(fieldErrorMessage)).toEqual([at]);
  expect(validateLocalReview(named, { user: 'a', nonResourceAttributes: path }).map(fieldErrorMessage)).toEqual([
    `${at} except for namespace`,
    noPath,
  ]);
});
