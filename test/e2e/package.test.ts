// The npm package as its users get it: packed, installed into an empty folder, run by npx and imported.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realExec } from '../../src/system/real/exec.ts';
import { repository } from '../fixtures/portico-process.ts';

let folder: string;
let archive: string;
let files: string[];

/** Fails with what the program said. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  // npm tells what it runs that it is run by npm, and the launcher of a checkout where its compiled code is.
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  const own = Object.fromEntries(Object.entries(inherited).filter(([name]) => !name.startsWith('npm_')));
  const env = { ...own, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const command = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), program, ...args];
  const { code, stdout, stderr } = await realExec.run([
    'sh',
    '-c',
    'cd "$1" && shift && exec "$@"',
    'sh',
    folder,
    ...command,
  ]);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portico-package-'));
  const packed = await run('npm', 'pack', repository, '--json', '--loglevel=error');
  const [{ filename, files: listed }] = JSON.parse(packed.slice(packed.indexOf('[')));
  archive = join(folder, filename);
  files = listed.map(({ path }: { path: string }) => path);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'a-user', type: 'module', private: true }));
  // Without Node.js itself, which is there.
  const quiet = [
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--prefer-offline',
    '--omit=optional',
    '--fetch-retries=5',
  ];
  await run('npm', 'install', ...quiet, archive);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the package is small and holds neither tests nor sources', () => {
  expect(statSync(archive).size).toBeLessThan(2_000_000);
  expect(files.filter((file) => /test\.|contract|testdata|fixtures|^src\//.test(file))).toEqual([]);
  for (const file of ['LICENSE', 'README.md', 'package.json', 'portico', 'dist/ui/index.html']) {
    expect(files).toContain(file);
  }
  // What `up --demo` applies.
  for (const file of ['examples/nginx.yaml', 'examples/load-balancer.yaml']) expect(files).toContain(file);
});

test('npx runs the program', async () => {
  expect(await run('npx', '--no-install', 'portico', 'version')).toMatch(/^portico \d+\.\d+\.\d+ \(Kubernetes v1\./);
  const spec = { clusterIP: '10.96.0.20', ports: [{ port: 80 }] };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default' }, spec };
  writeFileSync(join(folder, 'list.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [node, service] }));
  const flags = ['--proxy-mode', 'nftables', '--node', 'node-1', '-f', 'list.json'];
  const rules = await run('npx', 'portico', 'rules', ...flags);
  expect(rules).toContain('10.96.0.20');
});

test('the server runs from it, with its store in a thread of its own', async () => {
  const program = `
    import { spawn } from 'node:child_process';
    import { once } from 'node:events';
    const flags = ['server', '--data-dir', 'data', '--listen', '127.0.0.1:0', '--hollow-nodes', '1'];
    const child = spawn('npx', ['portico', ...flags], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const was = said;
      said += text;
      if (said.includes('ready on') && !was.includes('ready on')) process.kill(-child.pid, 'SIGTERM');
    });
    await once(child, 'close');
    process.stdout.write(said);
  `;
  writeFileSync(join(folder, 'server.js'), program);
  expect(await run('node', 'server.js')).toMatch(/ready on https:\/\/127\.0\.0\.1:\d+/);
});

test('import gives a cluster', async () => {
  const program = `
    import { deployments, startCluster } from 'portico/testing';
    const cluster = await startCluster();
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web' }] } };
    await cluster.client.resource(deployments).create({
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template },
    });
    const web = await cluster.waitFor(deployments, 'web', (one) => one?.status?.readyReplicas === 2);
    await cluster.stop();
    console.log(web.status.readyReplicas);
  `;
  writeFileSync(join(folder, 'use.js'), program);
  expect(await run('node', 'use.js')).toBe('2\n');
});

test('its types are there, and need nothing else', async () => {
  const program = `
    import { type Pod, pods, resourceOf, startCluster, type TestCluster } from 'portico/testing';
    const cluster: TestCluster = await startCluster({ nodes: 3, time: 'manual' });
    const pod: Pod = await cluster.client.resource(pods).get('web', 'default');
    const image: string | undefined = pod.spec.containers[0]?.image;
    // @ts-expect-error: a Pod has no such field
    pod.spec.contaners;
    const widgets = resourceOf<{ metadata: { name: string }; spec: { size: number } }>('example.com', 'v1', 'widgets');
    const size: number = (await cluster.client.resource(widgets).get('one')).spec.size;
    await cluster.clock.advance(size);
    await cluster.stop();
    export { image };
  `;
  writeFileSync(join(folder, 'types.ts'), program);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable', 'dom'],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  await run('node', join(repository, 'node_modules/typescript/bin/tsc'), '-p', '.');
});
