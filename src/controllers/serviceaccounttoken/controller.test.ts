import { afterEach, expect, test } from 'vitest';
import type { Secret, ServiceAccount } from '../../api/core/v1/types.generated.ts';
import { FakeApi } from '../../client/fake/fake-api.ts';
import { secrets, serviceAccounts } from '../../client/resources.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { FakeRandom } from '../../system/fake/random.ts';
import { answerReads, seesNothing } from '../harness/reads.ts';
import { type Harness, startControllers } from '../harness/start.ts';

let harness: Harness;
afterEach(async () => {
  expect(harness.errors).toEqual([]);
  await harness.stop();
});

const secret: Secret = {
  metadata: { name: 's', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'sa' } },
  type: 'kubernetes.io/service-account-token',
};

test.each([
  { what: 'is there', isThere: true, left: ['s'] },
  { what: 'is gone', isThere: false, left: [] },
])('the cache knows no account: the server says whether it $what', async ({ isThere, left }) => {
  const api = new FakeApi({ clock: new FakeClock(), random: new FakeRandom() });
  if (isThere) {
    const account = { metadata: { name: 'sa', namespace: 'default' } };
    await api.resource<ServiceAccount>(serviceAccounts).create(account);
  }
  await api.resource<Secret>(secrets).create(secret);
  answerReads(api, 'serviceaccounts', seesNothing);
  const config = { signLegacyToken: () => 'token' };
  harness = startControllers({ names: ['serviceaccount-token-controller'], api, config });
  await harness.settle();
  const { items } = await api.resource<Secret>(secrets).list();
  expect(items.map(({ metadata }) => metadata.name)).toEqual(left);
  expect(items.map(({ data }) => data?.token)).toEqual(isThere ? [Buffer.from('token').toString('base64')] : []);
});
