import { expect, test } from 'vitest';
import type { Container, Pod, PodSecurityContext } from '../../api/core/v1/types.generated.ts';
import { type PayloadSources, payloadOf } from './payload.ts';

const sources: PayloadSources = {
  podIPs: [],
  hostIPs: [],
  allocatable: {},
  configMap: async () => undefined,
  secret: async () => undefined,
  token: async () => 'token',
};

async function access(securityContext: PodSecurityContext, ...users: (number | undefined)[]) {
  const containers = users.map(
    (runAsUser, i): Container => ({ name: `c${i}`, ...(runAsUser && { securityContext: { runAsUser } }) }),
  );
  const pod: Pod = { metadata: { name: 'p' }, spec: { containers, securityContext } };
  const volume = { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } };
  const { mode, uid } = (await payloadOf(pod, volume, sources))?.get('token') ?? {};
  return [mode?.toString(8), uid];
}

test("a token is its one user's, its group's or, where there is neither, everyone's", async () => {
  expect(await access({}, undefined)).toEqual(['644', undefined]);
  expect(await access({}, 1000, 1000)).toEqual(['600', 1000]);
  expect(await access({ runAsUser: 7 }, undefined, undefined)).toEqual(['600', 7]);
  expect(await access({}, 1000, undefined)).toEqual(['644', undefined]);
  expect(await access({ runAsUser: 7 }, 1000, undefined)).toEqual(['644', undefined]);
  expect(await access({ fsGroup: 9 }, 1000, 1001)).toEqual(['600', undefined]);
});
