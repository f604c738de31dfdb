// Mutated valid requests against a whole control plane in this process: whatever comes, the answer is valid or a Status,
// never a 500, and the server goes on. test/setup/fast-check.ts tells how to repeat and extend a run.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as send } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinResources } from '../../src/api/registry.ts';
import { builtinSchemas } from '../../src/api/schema.ts';
import { startControlPlane } from '../../src/cluster/server.ts';
import type { ControlPlane } from '../../src/cluster/server-config.ts';
import { type FuzzRequest, fuzzRequests, oddPaths } from '../fixtures/fuzz/requests.ts';
import { samples } from '../fixtures/fuzz/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'portico-fuzz-'));
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
/** What the server itself thought an error of its own, since the last request. */
let complaints: string[] = [];
let plane: ControlPlane;
let origin = '';

beforeAll(async () => {
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, 'fuzz,fuzz,1,"system:masters"\n');
  plane = await startControlPlane({
    listen: [{ host: '127.0.0.1', port: 0 }],
    advertise: [],
    serviceClusterIPRanges: ['10.96.0.0/16', 'fd00:96::/112'],
    serviceNodePortRange: { from: 30_000, to: 32_767 },
    clusterCIDRs: ['10.244.0.0/16'],
    tokenAuthFile: tokens,
    controllers: ['-*'],
    version: '0.0.0',
    onError: (error) => complaints.push(error instanceof Error ? `${error.stack}` : String(error)),
  });
  origin = `https://127.0.0.1:${plane.addresses[0]?.port}`;
  await answerTo({ method: 'POST', path: '/api/v1/namespaces', headers: json, body: '{"metadata":{"name":"fuzz"}}' });
});
afterAll(async () => {
  agent.destroy();
  await plane.close();
  rmSync(folder, { recursive: true });
});

const json = { 'content-type': 'application/json', accept: 'application/json' };

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

function answerTo({ method, path, headers, body }: FuzzRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const all = {
    ...headers,
    authorization: 'Bearer fuzz',
    ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
  };
  const outgoing = send(
    origin + path,
    { method, headers: all, agent, signal: AbortSignal.timeout(60_000) },
    (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      const done = () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode ?? 0, contentType: incoming.headers['content-type'] ?? '', text });
      };
      incoming.on('error', reject);
      incoming.on('end', done);
      // A watch has begun: nobody waits for its end.
      if (incoming.statusCode === 200 && path.includes('watch=')) {
        done();
        outgoing.destroy();
      }
    },
  );
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

/** Errors of 500 and more that kube-apiserver gives too, by their text. */
const upstreamsToo = [
  /Too large resource version/,
  // `?timeout=1ns`.
  /request did not complete within the allotted timeout/,
  // What is to be proxied to is not there.
  /no endpoints available for service/,
  /error trying to reach service/,
];

function check(sent: FuzzRequest, { status, contentType, text }: Answer): void {
  const told = `${status} ${text.slice(0, 2000)}\n${complaints.join('\n')}`;
  if (status >= 500)
    expect(
      upstreamsToo.some((pattern) => pattern.test(text)),
      told,
    ).toBe(true);
  expect(complaints, told).toEqual([]);
  if (sent.method === 'HEAD' || status < 400 || !contentType.startsWith('application/json')) return;
  const answer = JSON.parse(text) as { kind?: string; code?: number; message?: string };
  expect(answer, told).toMatchObject({ kind: 'Status', code: status, message: expect.any(String) });
}

async function goesOn(): Promise<void> {
  expect(await answerTo({ method: 'GET', path: '/readyz', headers: {} })).toMatchObject({ status: 200, text: 'ok' });
  const path = '/api/v1/namespaces/default/configmaps';
  const made = await answerTo({ method: 'POST', path, headers: json, body: '{"metadata":{"generateName":"after-"}}' });
  expect(made.status, made.text).toBe(201);
}

async function fuzz(requests: fc.Arbitrary<FuzzRequest[]>, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(requests, async (several) => {
    complaints = [];
    for (const one of several) {
      const answer = await answerTo(one);
      check(one, answer);
    }
  });
  const { FUZZ_RUNS: runs } = process.env;
  await fc.assert(property, {
    numRuns: Number(runs ?? numRuns),
    interruptAfterTimeLimit: 240_000,
    markInterruptAsFailure: false,
  });
  await goesOn();
}

test('objects of every kind, mutated', async () => {
  const definitions = builtinResources();
  await fuzz(fuzzRequests({ definitions, schemas: builtinSchemas(), samples }), 3000);
});

test('paths and queries', () => fuzz(oddPaths, 1000));
