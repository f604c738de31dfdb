import { expect, test } from 'vitest';
import type { Attributes, Authorizer } from '../access-control.ts';
import type { AdmissionRequest } from './admission.ts';
import { decisionOf, whenDecided } from './pending-decisions.ts';

const attributes = {} as Attributes;

test('an evaluation is begun again for each decision that is not there yet, and asks for none twice', async () => {
  const request = {} as AdmissionRequest;
  let asked = 0;
  let begun = 0;
  const authorizer: Authorizer = {
    async authorize() {
      asked += 1;
      return { allowed: asked === 2 };
    },
  };
  const found = await whenDecided(() => {
    begun += 1;
    return ['a', 'b', 'a'].map((question) => decisionOf(request, question, { authorizer, attributes }).allowed);
  });
  expect(found).toEqual([false, true, false]);
  expect([begun, asked]).toEqual([3, 2]);
});

test('what is answered at once is asked each time, and other errors come through', async () => {
  const authorizer: Authorizer = { authorize: () => ({ allowed: true }) };
  const request = {} as AdmissionRequest;
  expect(await whenDecided(() => decisionOf(request, 'a', { authorizer, attributes }))).toEqual({ allowed: true });
  const failing = () => {
    throw new Error('no');
  };
  await expect(whenDecided(failing)).rejects.toThrow('no');
});
