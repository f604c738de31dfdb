// What can be wrong around a cluster: one clear line each, the right exit code, and nothing half done.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { expectMachineState, machineState } from './machine-state.ts';
import { eventually, launcher, type Run, run, testCluster } from './portico.ts';

const cluster = testCluster('e2e-bad');
afterAll(() => cluster.remove());

function expectOneLine({ code, stdout, stderr }: Run, says: RegExp, exitCode = 1): void {
  expect(stderr).toMatch(says);
  expect(stderr.trimEnd().split('\n'), stderr).toHaveLength(1);
  expect(code, stdout).toBe(exitCode);
}

describe('refused before anything is made', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'portico-e2e-bad-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  let before: Awaited<ReturnType<typeof machineState>> | undefined;
  afterEach(async () => {
    before ??= await machineState(cluster.name);
    await expectMachineState(cluster.name, before);
    expect(existsSync(cluster.dataDir)).toBe(false);
  });

  test.each([
    [['up', '--nodes', '0'], /--nodes/],
    [['up', '--proxy-mode', 'ebpf'], /--proxy-mode: "ebpf" is none of nftables, iptables, ipvs/],
    [['up', '--egress', 'maybe'], /--egress: "maybe" is neither on nor off/],
    [['up', '--name', 'No Name'], /--name: "No Name"/],
    [['up', '--bogus'], /unknown option '--bogus'/],
    [['version', '--output', 'yaml'], /--output: "yaml" is neither text nor json/],
    [['bogus'], /unknown command 'bogus'/],
  ])('usage: %j', async (args, says) => {
    expectOneLine(await run([launcher, ...args]), says, 2);
  });

  test('help COMMAND says what COMMAND --help says', async () => {
    const { stdout, code } = await run([launcher, 'help', 'down']);
    expect({ stdout, code }).toEqual({ stdout: (await run([launcher, 'down', '--help'])).stdout, code: 0 });
    expect(stdout).toContain('--purge');
  });

  test('without root', async () => {
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    for (const command of ['up', 'down', 'status', 'images']) {
      expectOneLine(await run([...asNobody, launcher, command, '--name', cluster.name]), /root.*sudo/);
    }
    const load = [launcher, 'image', 'load', launcher, '--name', cluster.name];
    expectOneLine(await run([...asNobody, ...load]), /sudo \.\/portico image load …/);
    // What only root may read is at the end of other commands.
    const kubeconfig = join(scratch, 'kubeconfig');
    writeFileSync(kubeconfig, '', { mode: 0o600 });
    chmodSync(scratch, 0o755);
    const plan = [launcher, 'plan', '--kubeconfig', kubeconfig, '-f', join(launcher, '../examples/nginx.yaml')];
    expectOneLine(await run([...asNobody, ...plan]), /^portico: plan: EACCES.*: run it with sudo$/m, 2);
  });

  test('of a cluster that never was: says how to start it', async () => {
    const { stdout, code } = await cluster.portico('status');
    expect(code).toBe(1);
    const start = `sudo ./portico up --name ${cluster.name} --data-dir ${cluster.dataDir}\n`;
    expect(stdout).toBe(`Cluster ${cluster.name}: absent\nStart it with: ${start}`);
    const images = await cluster.portico('images');
    expectOneLine(images, /is not up; start it with: /);
    expect(images.stderr).toContain(start);
    expectOneLine(await run([launcher, 'token', 'list', '--name', cluster.name]), /has never been up/);
  });

  test('with the port taken: says by whom', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const { stdout, ...result } = await cluster.portico('up', '--api-port', String(port));
    server.close();
    expectOneLine(
      { stdout, ...result },
      new RegExp(`port ${port} is taken by .+ \\(pid ${process.pid}\\); stop it or choose another`),
    );
  });

  test('with a data folder of another version, or of something else', async () => {
    const other = join(scratch, 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'version'), '99\n');
    const up = (dir: string) => run([launcher, 'up', '--name', cluster.name, '--data-dir', dir]);
    expectOneLine(await up(other), /written by another version of Portico \(format 99, this one reads 1\)/);
    expect(readdirSync(other)).toEqual(['version']);
    const foreign = join(scratch, 'foreign');
    mkdirSync(foreign, { recursive: true });
    writeFileSync(join(foreign, 'thesis.txt'), 'mine');
    expectOneLine(await up(foreign), /holds something that is not a Portico cluster \(thesis\.txt\)/);
    const purge = await run([launcher, 'down', '--name', cluster.name, '--data-dir', foreign, '--purge']);
    expectOneLine(purge, /holds something that is not Portico's \(thesis\.txt\): nothing was removed/);
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);
  });

  test('without a program that it needs', async () => {
    const bin = join(scratch, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const folder of ['/usr/sbin', '/usr/bin']) {
      for (const program of readdirSync(folder)) {
        if (program !== 'nft' && !existsSync(join(bin, program)))
          symlinkSync(join(folder, program), join(bin, program));
      }
    }
    const main = join(launcher, '../src/cli/main.ts');
    const result = await run([process.execPath, main, 'up', '--name', cluster.name, '--data-dir', cluster.dataDir], {
      PATH: bin,
    });
    expectOneLine(result, /nft not found on PATH; install it \(Debian: apt-get install nftables\)/);
  });

  test('a control plane that cannot start is told with its own words, and taken back', async () => {
    const broken = join(mkdtempSync(join(scratch, 'broken-')), 'data');
    const named = ['--name', cluster.name, '--data-dir', broken];
    try {
      const { code, stderr } = await run([launcher, 'up', ...named, '--nodes', '1', '--egress', 'off']);
      expect(code, stderr).toBe(0);
      const stranger = await run([launcher, 'up', '--name', `${cluster.name}-2`, '--data-dir', broken]);
      expectOneLine(stranger, new RegExp(`holds the data of the cluster ${cluster.name}; choose another`));
    } finally {
      await run([launcher, 'down', ...named]);
    }
    writeFileSync(join(broken, 'server/pki/ca.key'), 'no key');
    const up = await run([launcher, 'up', ...named]);
    expectOneLine(up, /the control plane ended: .*ca\.crt and ca\.key do not belong together/);
  });
});

/** The machine without anything of the cluster: a test that is tried again begins anew. */
async function bareMachine() {
  const { code, stderr } = await cluster.portico('down', '--purge');
  expect(code, stderr).toBe(0);
  return machineState(cluster.name);
}

test('up twice and down twice are fine', async () => {
  const before = await bareMachine();
  const up = () => cluster.portico('up', '--egress', 'off', '--nodes', '2', '--output', 'json');
  const first = await up();
  expect(first.code, first.stderr).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ name: cluster.name, nodes: 2, changed: true });
  const node = `portico-${cluster.name}-node-1`;
  const addresses = async () => {
    const { stdout } = await run(['ip', '-n', node, '-o', 'addr', 'show', 'dev', 'eth0', 'scope', 'global']);
    return [...stdout.matchAll(/inet6? (\S+)/g)].map(([, address]) => address).sort();
  };
  const whole = await addresses();
  expect(whole).toHaveLength(2);
  const { parts } = await cluster.status();
  const runtime = parts.find((one) => one.part === 'containerd' && one.node === 'node-1')?.pid;
  const privateFolders = () =>
    ['/run/containerd', '/var/lib/cni'].filter((folder) =>
      readFileSync(`/proc/${runtime}/mountinfo`, 'utf8').includes(` ${folder} `),
    );
  expect(privateFolders()).toHaveLength(2);
  expect((await run([launcher, 'down', '--name', 'e2e-other'])).code).toBe(0);
  expect(privateFolders()).toHaveLength(2);
  // Who removes an empty folder of the machine takes it from the nodes, too.
  await run(['nsenter', '--target', String(runtime), '--mount', 'umount', '-l', '/var/lib/cni']);
  expect(privateFolders()).toEqual(['/run/containerd']);
  await run(['ip', '-n', node, 'addr', 'flush', 'dev', 'eth0', 'scope', 'global']);
  await run(['ip', '-n', node, 'link', 'set', 'eth0', 'down']);
  const second = await up();
  expect(second.code, second.stderr).toBe(0);
  expect((await run(['ip', '-n', node, 'route', 'show', 'default'])).stdout).toContain('default via ');
  expect(await addresses()).toEqual(whole);
  expect(privateFolders()).toHaveLength(2);
  expect(JSON.parse(second.stdout)).toMatchObject({ changed: false });
  const untilMode = (wanted: string) =>
    eventually(`the proxy to be of the mode ${wanted}`, async () => {
      const url = 'http://127.0.0.1:10249/proxyMode';
      const { stdout } = await run(['nsenter', `--net=/run/netns/${node}`, 'curl', '-s', url]);
      return stdout === wanted ? true : undefined;
    });
  await untilMode('nftables');
  const other = await cluster.portico('up', '--proxy-mode', 'iptables', '--output', 'json');
  expect(JSON.parse(other.stdout)).toMatchObject({ changed: true, proxyMode: 'iptables' });
  await untilMode('iptables');
  const fewer = await cluster.portico('up', '--nodes', '1');
  expectOneLine(fewer, /runs with 2 nodes; bring it down before it gets fewer/);
  const elsewhere = await run([launcher, 'up', '--name', cluster.name, '--data-dir', `${cluster.dataDir}-other`]);
  expectOneLine(elsewhere, /runs with its data in \S+; bring it down before it starts from \S+-other/);
  const looking = await run([launcher, 'status', '--name', cluster.name, '--data-dir', `${cluster.dataDir}-other`]);
  expectOneLine(looking, /runs with its data in \S+; leave --data-dir out/);

  expect((await cluster.portico('down')).code).toBe(0);
  await expectMachineState(cluster.name, before);
  const again = await cluster.portico('down');
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('nothing to remove');
  expect((await cluster.portico('status')).code).toBe(1);
});

test('up heals what a crash in the middle left, also when nobody reads what it says; down finds it without any record', async () => {
  const before = await bareMachine();
  // What a run leaves that dies right after it made namespaces: no process, half of the links, no run folder.
  await run(['ip', 'netns', 'add', `portico-${cluster.name}-node-1`]);
  const named = ['--name', cluster.name, '--data-dir', cluster.dataDir];
  const up = [launcher, 'up', ...named, '--egress', 'off', '--nodes', '2'];
  expect((await run(['sh', '-c', '"$@" | head -c 1', 'sh', ...up])).stdout).toBe('C');
  expect((await cluster.portico('status')).stdout).toMatch(/: running$/m);
  rmSync(`/run/portico/${cluster.name}/cluster.json`);
  expect((await cluster.portico('down', '--purge')).code).toBe(0);
  await expectMachineState(cluster.name, before);
});
