import { describe, expect, test } from 'vitest';
import type { Container, Pod, PodSecurityContext, Volume } from '../../api/core/v1/types.generated.ts';
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

describe('what keys become files', () => {
  const keyed: PayloadSources = {
    ...sources,
    configMap: async (name) =>
      name === 'cm' ? { metadata: { name }, data: { a: '1' }, binaryData: { b: 'Mg==' } } : undefined,
    secret: async (name) => (name === 's' ? { metadata: { name }, data: { k: 'Mw==' } } : undefined),
  };
  const files = async (volume: Omit<Volume, 'name'>) => {
    const pod: Pod = { metadata: { name: 'p' }, spec: { containers: [] } };
    const payload = await payloadOf(pod, { name: 'v', ...volume }, keyed);
    return [...(payload ?? [])].map(([path, { data, mode }]) => `${path}=${Buffer.from(data)} ${mode.toString(8)}`);
  };
  const both = (path: string) => [
    { configMap: { name: path } },
    { secret: { name: 'none' } },
    { secret: { name: 's', items: [{ key: 'k', path: 'x' }] } },
  ];
  test.each<[Omit<Volume, 'name'>, string[]]>([
    [{ configMap: { name: 'cm', items: [] } }, ['a=1 644', 'b=2 644']],
    [{ configMap: { name: 'cm', defaultMode: 0o400, items: [{ key: 'b', path: 'x/y', mode: 0o755 }] } }, ['x/y=2 755']],
    [{ configMap: { name: 'cm', items: [{ key: 'none', path: 'x' }], optional: true } }, []],
    [{ configMap: { name: 'none', optional: true } }, []],
    [{ secret: { secretName: 's' } }, ['k=3 644']],
    [{ projected: { sources: both('cm').filter((_, i) => i !== 1) } }, ['a=1 644', 'b=2 644', 'x=3 644']],
  ])('%j', async (volume, expected) => expect(await files(volume)).toEqual(expected));
  test.each<[Omit<Volume, 'name'>, string]>([
    [
      { configMap: { name: 'cm', items: [{ key: 'z', path: 'x' }] } },
      'configmap references non-existent config key: z',
    ],
    [{ secret: { secretName: 's', items: [{ key: 'z', path: 'x' }] } }, 'references non-existent secret key: z'],
    [{ configMap: { name: 'none' } }, 'configmap "none" not found'],
    [{ projected: { sources: both('none') } }, '[configmap "none" not found, secret "none" not found]'],
  ])('%j is refused', async (volume, message) => expect(files(volume)).rejects.toThrow(message));
});
