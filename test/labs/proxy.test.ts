// The packet lab: what kube-proxy v1.36.2's rules do to packets, and how it writes them, case by case.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const lab = resolve(root, '../shared/proxy-lab');
const run = promisify(execFile);

const cases = existsSync(lab)
  ? readdirSync(join(lab, 'cases'))
      .filter((file) => file.endsWith('.yaml') && !file.startsWith('_'))
      .map((file) => file.slice(0, -'.yaml'.length))
      .sort()
  : [];

describe.skipIf(cases.length === 0)('the packet lab (../shared/proxy-lab)', () => {
  // At once: each has namespaces of its own, and waits most of the time for packets that do not come.
  test.concurrent.each([
    ['nftables', ['--mode', 'nftables']],
    ['iptables', ['--mode', 'iptables']],
    ['iptables, rule text', ['--mode', 'iptables', '--text']],
  ])('%s', async (_, flags) => {
    const { stdout } = await run(join(lab, 'check'), flags, { cwd: root }).catch(
      (error) => error as { stdout: string },
    );
    expect(stdout.split('\n').filter((line) => !line.startsWith('ok'))[0]).toMatch(
      `${cases.length} of ${cases.length} cases agree`,
    );
  });
});
