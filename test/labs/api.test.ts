// The API lab (../shared/api-lab beside the repository): conversations with kube-apiserver v1.36.2, replayed against a
// server started here, over each store. Stories in `agreeing` agree in every step and must go on doing so; a story that
// comes to agree is added to the list.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EtcdCluster, startEtcd } from '../fixtures/etcd-process.ts';

const root = resolve(import.meta.dirname, '../..');
const lab = resolve(root, '../shared/api-lab');
const token = 'api-lab-token';

const agreeing = [
  'access',
  'concurrency',
  'custom-resources',
  'delete',
  'endpointslices',
  'lists',
  'patches',
  'pods',
  'requests',
  'server-side-apply',
  'service-change',
  'service-create',
  'service-dual-stack',
  'service-invalid',
  'service-static-ip',
  'service-types',
  'tables',
  'watch',
  'workloads',
];

interface Outcome {
  readonly story: string;
  readonly agrees: boolean;
  readonly text: string;
}

/** `ok   lists: 23 of 23 steps`, or `FAIL …` with the steps that differ on the lines below. */
function parseOutcomes(output: string): Outcome[] {
  return output
    .split(/^(?=ok {3}|FAIL )/m)
    .map((text) => ({ text, match: /^(ok|FAIL) +([a-z-]+): \d+ of \d+ steps/.exec(text) }))
    .flatMap(({ text, match }) => (match ? [{ story: match[2]!, agrees: match[1] === 'ok', text: text.trim() }] : []));
}

async function startServer(
  folder: string,
  flags: readonly string[],
): Promise<{ readonly process: ChildProcess; readonly url: string }> {
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, `${token},lab,1,"system:masters"\n`);
  const server = spawn(
    join(root, 'portico'),
    [
      'server',
      ...['--data-dir', join(folder, 'data')],
      ...['--listen', '127.0.0.1:0'],
      ...['--token-auth-file', tokens],
      ...flags,
      '--controllers',
      'namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller',
      // The recordings were made in an OpenShift cluster, where every service account volume has one ConfigMap more. It
      // shows in one answer only: by how many lines a hunk is further down in the difference of two Pods.
      ...['--service-account-volume-configmap', 'openshift-service-ca.crt:service-ca.crt'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { promise, resolve: ready, reject } = Promise.withResolvers<string>();
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
    const url = /ready on (https:\/\/[^ ,]+)/.exec(output)?.[1];
    if (url) ready(url);
  };
  server.stdout.on('data', collect);
  server.stderr.on('data', collect);
  server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  return { process: server, url: await promise };
}

describe.skipIf(!existsSync(join(lab, 'check'))).each(['SQLite', 'etcd'])(
  'api-lab over %s (skipped where ../shared/api-lab is absent)',
  (store) => {
    let folder = '';
    let server: ChildProcess | undefined;
    let etcd: EtcdCluster | undefined;
    let outcomes: Outcome[] = [];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'portico-api-lab-'));
      if (store === 'etcd') etcd = await startEtcd();
      const started = await startServer(folder, etcd ? ['--datastore-endpoint', etcd.endpoints.join(',')] : []);
      server = started.process;
      const check = promisify(execFile)(join(lab, 'check'), ['--server', started.url, '--token', token], {
        maxBuffer: 16 * 1024 * 1024,
      });
      // It ends with 1 as long as any story differs.
      const { stdout } = await check.catch((error: { stdout: string }) => error);
      outcomes = parseOutcomes(stdout);
    });

    afterAll(async () => {
      if (server && server.exitCode === null) {
        const ended = new Promise((resolveEnd) => server?.once('exit', resolveEnd));
        server.kill('SIGTERM');
        await ended;
      }
      await etcd?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test('every story was told', () => {
      const stories = readdirSync(join(lab, 'stories')).map((file) => file.replace(/\.yaml$/, ''));
      expect(outcomes.map(({ story }) => story).sort()).toEqual(stories.sort());
    });

    test.each(agreeing)('%s agrees with kube-apiserver', (story) => {
      const outcome = outcomes.find((one) => one.story === story);
      expect(outcome?.agrees, outcome?.text).toBe(true);
    });
  },
);
