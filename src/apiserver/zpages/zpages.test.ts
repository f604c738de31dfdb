import { expect, test } from 'vitest';
import type { ApiRequest } from '../request.ts';
import { versionInfo } from '../version.ts';
import { zpages } from './zpages.ts';

const started = Date.parse('2026-11-05T16:51:33.250Z');
const pages = zpages({
  version: versionInfo('0.1.0', { arch: 'x64', node: '26.0.0' }),
  flags: { 'token-auth-file': '/etc/tokens.csv', controllers: '*' },
  started,
  up: () => 3_723_999,
});

async function ask(path: string, accept?: string, method = 'GET') {
  const page = pages.find((one) => one.path === path)!;
  const request = { method, path, headers: { accept } } as unknown as ApiRequest;
  const { headers, body } = await page.handle(request, undefined);
  return { type: headers['content-type'], warning: headers.warning, body: String(body) };
}

const warning =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

test.each([undefined, '*/*', 'text/plain', 'application/json;v=foo;g=config.k8s.io;as=Statusz,*/*'])(
  '%s: text for people',
  async (accept) => {
    const status = await ask('/statusz', accept);
    expect(status.type).toBe('text/plain; charset=utf-8');
    expect(status.body).toBe(
      [
        '',
        'apiserver statusz',
        warning,
        '',
        'Started: Thu Nov  5 16:51:33 UTC 2026',
        'Up: 1 hr 02 min 03 sec',
        'Go version: node-26.0.0',
        'Binary version: 1.36.2+portico-0.1.0',
        'Emulation version: 1.36',
        'Paths: /flagz /healthz /livez /metrics /readyz /version',
        '',
      ].join('\n'),
    );
  },
);

test('flags stand by name', async () => {
  expect((await ask('/flagz')).body).toBe(
    `\napiserver flagz\n${warning}\n\ncontrollers=*\ntoken-auth-file=/etc/tokens.csv\n`,
  );
});

test('an object where its kind is named whole', async () => {
  const status = await ask('/statusz', 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz');
  expect(status).toMatchObject({ type: 'application/json', warning: undefined });
  expect(JSON.parse(status.body)).toEqual({
    kind: 'Statusz',
    apiVersion: 'config.k8s.io/v1beta1',
    metadata: { name: 'apiserver' },
    startTime: '2026-11-05T16:51:33Z',
    uptimeSeconds: 3723,
    goVersion: 'node-26.0.0',
    binaryVersion: '1.36.2+portico-0.1.0',
    emulationVersion: '1.36',
    paths: ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/version'],
  });
  const flags = await ask('/flagz', 'application/yaml;v=v1beta1;g=config.k8s.io;as=Flagz');
  expect(flags.body).toContain('flags:\n  controllers: "*"\n  token-auth-file: /etc/tokens.csv\n');
});

test('the older version is served with a warning', async () => {
  const both = ['v1alpha1', 'v1beta1'].map((version) => `application/json;v=${version};g=config.k8s.io;as=Flagz`);
  const { body, warning: text } = await ask('/flagz', both.join(','));
  expect(JSON.parse(body)).toMatchObject({ apiVersion: 'config.k8s.io/v1alpha1' });
  expect(text).toEqual([expect.stringContaining('config.k8s.io/v1alpha1 Flagz is deprecated')]);
  expect((await ask('/flagz', both.reverse().join(','))).warning).toBeUndefined();
});

test.each([
  'application/xml',
  'application/json',
  'application/json;v=v1beta1;g=config.k8s.io',
  'application/json;v=v1beta1;g=config.k8s.io;as=Flagz',
])('%s is no form of a Statusz', async (accept) => {
  await expect(ask('/statusz', accept)).rejects.toThrow('only the following media types are accepted');
});

test('nothing but reading', async () => {
  await expect(ask('/statusz', '*/*', 'POST')).rejects.toThrow('does not allow this method');
});
