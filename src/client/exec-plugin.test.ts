import { expect, test } from 'vitest';
import type { ExecOptions, ExecResult } from '../system/exec.ts';
import { FakeClock } from '../system/fake/clock.ts';
import { type ExecPlugin, execCredentials } from './exec-plugin.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const plugin: ExecPlugin = {
  apiVersion,
  command: 'login',
  args: ['--for', 'x'],
  env: [{ name: 'WHO', value: 'me' }],
  installHint: 'get it from example.com',
};

interface Ran {
  readonly command: readonly string[];
  readonly env: ExecOptions['env'];
}

/** The plugin whose next answers these are. */
function credentialsWith(answers: (Partial<ExecResult> | Error)[], changes: Partial<ExecPlugin> = {}) {
  const ran: Ran[] = [];
  const clock = new FakeClock();
  const exec = {
    run: async (command: readonly string[], { env }: ExecOptions = {}): Promise<ExecResult> => {
      ran.push({ command, env });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return { code: 0, stdout: '', stderr: '', ...answer };
    },
  };
  const cluster = { server: 'https://192.0.2.1:6443' };
  return { source: execCredentials({ plugin: { ...plugin, ...changes }, cluster, exec, clock }), ran, clock };
}

const answer = (status: object | undefined, version = apiVersion) => ({
  stdout: JSON.stringify({ kind: 'ExecCredential', apiVersion: version, status }),
});

test('a token is kept until it expires or is refused; the plugin is told what it is for', async () => {
  const now = new FakeClock().now();
  const expirationTimestamp = new Date(now + 3600_000).toISOString();
  const { source, ran, clock } = credentialsWith(
    [answer({ token: 'one', expirationTimestamp }), answer({ token: 'two' }), answer({ token: 'three' })],
    { provideClusterInfo: true },
  );
  expect(await source.get()).toMatchObject({ token: 'one' });
  expect(await source.get()).toMatchObject({ token: 'one' });
  clock.advance(3600_000);
  expect(await source.get()).toMatchObject({ token: 'two' });
  source.refused();
  expect(await source.get()).toMatchObject({ token: 'three' });
  expect(ran).toHaveLength(3);
  expect(ran[0]?.command).toEqual(['login', '--for', 'x']);
  expect(ran[0]?.env?.WHO).toBe('me');
  expect(JSON.parse(ran[0]?.env?.KUBERNETES_EXEC_INFO ?? '')).toEqual({
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: 'https://192.0.2.1:6443' } },
  });
});

test('a certificate', async () => {
  const { source } = credentialsWith([answer({ clientCertificateData: 'CERT', clientKeyData: 'KEY' })]);
  expect(await source.get()).toEqual({ token: undefined, cert: 'CERT', key: 'KEY' });
});

test.each<[string, Partial<ExecResult> | Error, string]>([
  [
    'is not installed',
    Object.assign(new Error('spawn login ENOENT'), { code: 'ENOENT' }),
    'exec: executable login not found: get it from example.com',
  ],
  ['fails', { code: 3, stderr: 'a\nno session\n' }, 'exec: executable login failed with exit code 3: no session'],
  ['says nonsense', { stdout: 'hello' }, 'decoding stdout: it is no ExecCredential'],
  [
    'speaks another version',
    answer({ token: 't' }, 'client.authentication.k8s.io/v1beta1'),
    `exec plugin is configured to use API version ${apiVersion}, plugin returned version client.authentication.k8s.io/v1beta1`,
  ],
  ['gives nothing', answer({}), "exec plugin didn't return a token or cert/key pair"],
  ['gives no status', answer(undefined), "exec plugin didn't return a status field"],
  ['gives half', answer({ clientKeyData: 'KEY' }), 'exec plugin returned only certificate or key, not both'],
])('a plugin that %s', async (_, said, why) => {
  const { source } = credentialsWith([said]);
  await expect(source.get()).rejects.toThrow(`getting credentials: ${why}`);
});
