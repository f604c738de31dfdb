// The DNS lab (../shared/dns-lab beside the repository): CoreDNS 1.13.1's replies, asked of `portico dns` beside a control
// plane, both as processes of their own.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type PorticoProcess,
  shared,
  startPortico,
  startServer,
  type TestServer,
} from '../fixtures/portico-process.ts';

const run = promisify(execFile);
const lab = join(shared, 'dns-lab');

describe.skipIf(!existsSync(join(lab, 'check')))('dns-lab (skipped where ../shared/dns-lab is absent)', () => {
  let server: TestServer | undefined;
  let dns: PorticoProcess | undefined;

  beforeAll(async () => {
    server = await startServer(['--controllers', 'namespace-controller']);
    const files = ['objects.yaml', 'objects-dual-stack.yaml'].flatMap((file) => ['-f', join(lab, file)]);
    await server.kubectl('apply', ...files);
    const flags = ['--kubeconfig', server.kubeconfig, '--listen', '127.0.0.1:0', '--upstream', 'none'];
    dns = await startPortico(['dns', ...flags], /listening on (\S+)\n[\s\S]*answering for/);
  });

  afterAll(async () => {
    await dns?.stop();
    await server?.stop();
  });

  test('every reply is CoreDNS’s', async () => {
    const { stdout } = await run(join(lab, 'check'), ['--dns', dns?.ready ?? '']).catch((error) => error);
    expect(stdout).toMatch(/^51 of 51 replies agree/m);
  });
});
