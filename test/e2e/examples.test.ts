// examples/testing/any-language as its README says; the other examples are tests, and run as such.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findKubectl } from '../../src/cluster/kubectl.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { repository } from '../fixtures/portico-process.ts';

const folder = join(repository, 'examples/testing/any-language');
/** In the checkout, `portico/testing` is its source. */
const withCluster = [process.execPath, '--conditions=@portico/source', join(folder, 'with-cluster.js')];

test('a shell script with kubectl', async () => {
  const kubectl = await findKubectl(join(repository, 'node_modules/.cache/kubectl'));
  if (!kubectl) throw new Error('there is no kubectl on PATH, and none came with the npm packages');
  const script = `kubectl() { "${kubectl}" "$@"; }\n. "${join(folder, 'deployment.sh')}"`;
  const { code, stdout, stderr } = await realExec.run([...withCluster, 'sh', '-c', script]);
  expect({ code, stderr: stderr.replaceAll(/Warning: .*\n/g, '') }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('deployment "web" successfully rolled out');
  expect(stdout).toMatch(/all is well\n$/);
});

test('the command has the cluster by KUBECONFIG, and its end is the end', async () => {
  const look = 'test -s "$KUBECONFIG" && test "$USE_EXISTING_CLUSTER" = true && exit 7';
  expect((await realExec.run([...withCluster, 'sh', '-c', look])).code).toBe(7);
});

test.each([
  ['INT', 'exit 5', 5],
  ['TERM', 'exec sleep 60', 143],
])('SIG%s ends the command (%s) before the cluster, of which nothing stays', async (signal, command, code) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-example-'));
  try {
    const run = ['env', `TMPDIR=${folder}`, ...withCluster, 'sh', '-c', `kill -${signal} $PPID; ${command}`];
    expect((await realExec.run(run)).code).toBe(code);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
