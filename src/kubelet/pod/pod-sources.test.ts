import { expect, test } from 'vitest';
import type { TokenRequest } from '../../api/authentication/v1/types.generated.ts';
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { Client } from '../../client/types.ts';
import { FakeClock } from '../../system/fake/clock.ts';
import { PodSources } from './pod-sources.ts';

const pod: Pod = {
  metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
  spec: { containers: [], serviceAccountName: 'seller' },
};

/** An API that signs tokens `t1`, `t2`, … and keeps what was asked. */
function tokens(clock: FakeClock) {
  const asked: TokenRequest[] = [];
  const create = async (request: TokenRequest) => {
    asked.push(request);
    const seconds = request.spec?.expirationSeconds ?? 0;
    const status = { token: `t${asked.length}`, expirationTimestamp: formatTime(clock.now() + seconds * 1000) };
    return { ...request, status };
  };
  const client = { resource: () => ({ create }) } as unknown as Client;
  return { asked, sources: new PodSources(client, clock) };
}

test('a token is bound to its pod, kept for four fifths of its life, then replaced', async () => {
  const clock = new FakeClock();
  const { asked, sources } = tokens(clock);
  const token = () => sources.of(pod).token({ path: 'token', audience: 'api', expirationSeconds: 1000 });
  expect(await token()).toBe('t1');
  expect(asked[0]).toMatchObject({
    metadata: { name: 'seller', namespace: 'shop' },
    spec: { audiences: ['api'], expirationSeconds: 1000, boundObjectRef: { kind: 'Pod', name: 'web', uid: 'u1' } },
  });
  clock.advance(790_000);
  expect(await token()).toBe('t1');
  clock.advance(20_000);
  expect(await token()).toBe('t2');
  expect(await sources.of(pod).token({ path: 'token', audience: 'other', expirationSeconds: 1000 })).toBe('t3');
});

test('a token’s life is the server’s word, whatever the node’s clock shows; one of later is replaced', async () => {
  const clock = new FakeClock();
  const { sources } = tokens(clock);
  const token = () => sources.of(pod).token({ path: 'token', expirationSeconds: 1000 });
  expect(await token()).toBe('t1');
  clock.step(-3_600_000); // the server's, where that is the same machine's, takes t1 for one that does not hold yet
  expect(await token()).toBe('t2');
  expect(await token()).toBe('t2');
});

test('a token of long life is replaced after a day; a pod that is gone is forgotten', async () => {
  const clock = new FakeClock();
  const { sources } = tokens(clock);
  const token = () => sources.of(pod).token({ path: 'token', expirationSeconds: 30 * 86_400 });
  expect(await token()).toBe('t1');
  clock.advance(23 * 3_600_000);
  expect(await token()).toBe('t1');
  clock.advance(2 * 3_600_000);
  expect(await token()).toBe('t2');
  sources.forget('u1');
  expect(await token()).toBe('t3');
});
