// The packet lab: what kube-proxy v1.36.2's rules do to packets, and how it writes them, case by case.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { repository } from '../fixtures/portico-process.ts';
import { cases, lab } from './proxy-cases.ts';

const run = promisify(execFile);

/**
 * kube-proxy's ipvs rules were recorded on a machine whose interfaces had other addresses than its Node object says: the
 * one of IPv6 came by SLAAC.
 */
const recordingMachine = ['--node-addresses', '172.18.0.2,fec0::5054:ff:fe12:3456'];

/** The launcher with flags of ours after those that `check` gives, as `check` takes commands: for a shell to split. */
const porticoWith = (flags: readonly string[]) => `sh -c 'exec ./portico "$@" ${flags.join(' ')}' -`;

/** The lab takes an answer that does not come within 0.4 s for none: on a busy machine a case may have to be tried again. */
const tries = 4;

/** What `check` says of the cases in which it finds, however often it looks, something else than kube-proxy does. */
async function disagreements(flags: readonly string[]): Promise<readonly string[]> {
  let rest: readonly string[] = cases;
  let found: readonly string[] = [];
  for (let i = 0; i < tries && rest.length > 0; i += 1) {
    const { stdout } = await run(join(lab, 'check'), [...flags, ...rest], { cwd: repository }).catch(
      (error) => error as { stdout: string },
    );
    const agreeing = new Set([...stdout.matchAll(/^ok +(\S+)$/gm)].map(([, name]) => name));
    rest = rest.filter((name) => !agreeing.has(name));
    found =
      rest.length > 0 ? [`of ${rest.join(', ')}:`, ...stdout.split('\n').filter((line) => !line.startsWith('ok'))] : [];
  }
  return found;
}

describe.skipIf(cases.length === 0)('the packet lab (../shared/proxy-lab)', () => {
  // At once: each has namespaces of its own, and waits most of the time for packets that do not come.
  test.concurrent.each([
    ['nftables', ['--mode', 'nftables']],
    ['iptables', ['--mode', 'iptables']],
    ['iptables, rule text', ['--mode', 'iptables', '--text']],
    ['ipvs', ['--mode', 'ipvs', '--portico', porticoWith(recordingMachine)]],
  ])(
    '%s',
    async (_, flags) => {
      expect(await disagreements(flags)).toEqual([]);
    },
    1_800_000,
  );
});
