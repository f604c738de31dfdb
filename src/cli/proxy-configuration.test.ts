import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConfigurationFlags, givenFlags, readConfiguration } from './proxy-configuration.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-configuration-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${text}`);
  return path;
}

function given(...args: string[]): ReadonlyMap<string, string> {
  const command = new Command('proxy').exitOverride();
  addConfigurationFlags(command);
  command.parse(args, { from: 'user' });
  return givenFlags(command);
}

const read = (args: string[], path?: string) => readConfiguration(given(...args), path);

describe('the command line', () => {
  test('is taken in every way that kube-proxy takes it', () => {
    expect(
      Object.fromEntries(
        given('--proxy-mode=iptables', '--masquerade-all', '--profiling=false', '-v=4', '--cluster-cidr', '10.0.0.0/8'),
      ),
    ).toEqual({
      'proxy-mode': 'iptables',
      'masquerade-all': 'true',
      profiling: 'false',
      v: '4',
      'cluster-cidr': '10.0.0.0/8',
    });
    expect(given('-v', '2').get('v')).toBe('2');
    expect(given('--v=2').get('v')).toBe('2');
    expect(
      given('--nodeport-addresses', '10.0.0.0/8,fd00::/8', '--nodeport-addresses=192.0.2.0/24').get(
        'nodeport-addresses',
      ),
    ).toBe('10.0.0.0/8,fd00::/8,192.0.2.0/24');
    expect(given().size).toBe(0);
  });

  test('wins over the file', async () => {
    const path = file('mode: iptables\noomScoreAdj: 7\nhostnameOverride: Other\n');
    const { configuration } = await read(['--oom-score-adj', '0'], path);
    expect(configuration).toMatchObject({ mode: 'iptables', oomScoreAdj: 0, hostnameOverride: 'other' });
  });

  test('with old flags is taken with a word about them', async () => {
    const { configuration, warnings } = await read(['--healthz-port', '0', '--cluster-cidr', '10.0.0.0/8']);
    expect(configuration.healthzBindAddress).toBe('');
    expect(warnings).toEqual([
      'Flag --healthz-port has been deprecated, This flag is deprecated and will be removed in a future release. Please use --healthz-bind-address instead.',
    ]);
  });
});

describe('a file', () => {
  test('with fields of other versions is taken with a word about them', async () => {
    const path = file('udpIdleTimeout: 250ms\nclusterCIDR: 10.0.0.0/8\n');
    expect((await read([], path)).warnings).toEqual([
      `${path}: strict decoding error: unknown field "udpIdleTimeout": left out`,
    ]);
  });

  test.each([
    ['mode: [', 'config.yaml: '],
    ['mode: 3\n', 'cannot unmarshal number'],
    ['mode: iptables\nmode: ipvs\n', 'Map keys must be unique'],
    ['mode: userspace\nbindAddress: here\n', 'failed validate: [KubeProxyConfiguration.Mode.ProxyMode: Invalid value'],
  ])('%j is refused in one line', async (text, message) => {
    const refusal = await read([], file(text)).catch((error: Error) => error.message);
    expect(refusal).toContain(message);
    expect(refusal).not.toContain('\n');
  });

  test('that is not there is refused, and a name of blanks', async () => {
    await expect(read([], '/no/such/file')).rejects.toThrow('/no/such/file: no such file');
    await expect(read(['--hostname-override', '  '])).rejects.toThrow('empty hostname-override is invalid');
  });
});
