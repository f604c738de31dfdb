import { type ChildProcess, spawn } from 'node:child_process';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { channel, encodeClose, encodeFrame, type Frame, FrameDecoder } from '../../src/client/stream-frames.ts';
import { startTestNode, type TestNode } from './kubelet-node.ts';

let node: TestNode;
let agent: ChildProcess;
let session: ClientHttp2Session;

beforeAll(async () => {
  node = await startTestNode('serve');
  const socketPath = `${node.root}/kubelet.sock`;
  const script = resolve(import.meta.dirname, 'kubelet-serve.ts');
  const [program = '', ...args] = node.inside([process.execPath, script, node.root, socketPath, node.cgroupParent]);
  agent = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  agent.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  await new Promise((ready, reject) => {
    agent.stdout?.once('data', ready);
    agent.once('exit', () => reject(new Error(said)));
  });
  session = connect('http://kubelet', { createConnection: () => connectSocket(socketPath) });
});

afterAll(async () => {
  session?.destroy();
  agent?.kill('SIGKILL');
  await node?.stop();
});

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function ask(method: string, path: string, frames: readonly Uint8Array[] = []): Promise<Answer> {
  return new Promise((done, reject) => {
    const stream = session.request({ ':method': method, ':path': path }, { endStream: false });
    let status = 0;
    const chunks: Buffer[] = [];
    stream.once('response', (headers) => {
      status = Number(headers[':status']);
      for (const frame of frames) stream.write(frame);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => {
      stream.end();
      done({ status, body: Buffer.concat(chunks) });
    });
    stream.once('error', reject);
  });
}

const textOf = (frames: readonly Frame[], number: number): string =>
  Buffer.concat(frames.filter((f) => f.channel === number).map((f) => f.data)).toString();

test('logs come with their options', async () => {
  const logs = async (query: string) => {
    const { status, body } = await ask('GET', `/containerLogs/default/shell/main?${query}`);
    return [status, body.toString()];
  };
  // The runtime copies output to the log on its own time.
  await expect.poll(() => logs(''), { timeout: 300_000 }).toEqual([200, 'first\nsecond\n']);
  expect(await logs('tailLines=1')).toEqual([200, 'second\n']);
  expect(await logs('timestamps=true&tailLines=1')).toEqual([200, expect.stringMatching(/^\d{4}-.*Z second\n$/)]);
  expect(await logs('previous=true')).toEqual([400, 'previous terminated container "main" in pod "shell" not found']);
  expect((await ask('GET', '/containerLogs/default/nobody/main')).status).toBe(404);
});

test('exec carries both outputs and the exit code', async () => {
  const query = new URLSearchParams([
    ['output', '1'],
    ['error', '1'],
    ...['sh', '-c', 'echo out; echo err >&2; exit 7'].map((c) => ['command', c]),
  ]);
  const { status, body } = await ask('POST', `/exec/default/shell/main?${query}`);
  const frames = new FrameDecoder().push(body);
  expect([status, textOf(frames, channel.stdout), textOf(frames, channel.stderr)]).toEqual([200, 'out\n', 'err\n']);
  expect(JSON.parse(textOf(frames, channel.error))).toMatchObject({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  });
});

test('the end of stdin reaches the command', async () => {
  const sent = [encodeFrame({ channel: channel.stdin, data: Buffer.from('b\na\n') }), encodeClose(channel.stdin)];
  const { body } = await ask('POST', '/exec/default/shell/main?input=1&output=1&command=sort', sent);
  const frames = new FrameDecoder().push(body);
  expect(textOf(frames, channel.stdout)).toBe('a\nb\n');
  expect(JSON.parse(textOf(frames, channel.error))).toMatchObject({ status: 'Success' });
});

test('a forwarded port reaches what listens on the loopback of the pod', async () => {
  const sent = [encodeFrame({ channel: 0, data: Buffer.from('GET /a HTTP/1.0\r\n\r\n') })];
  const { status, body } = await ask('POST', '/portForward/default/shell?port=8080', sent);
  const answer = textOf(new FrameDecoder().push(body), 0);
  expect([status, answer.split('\r\n')[0], answer.split('\r\n\r\n')[1]]).toEqual([200, 'HTTP/1.1 200 OK', 'served\n']);
  const refused = await ask('POST', '/portForward/default/shell?port=9', []);
  expect(textOf(new FrameDecoder().push(refused.body), 1)).toContain('connection refused');
});

test('the kubelet tells of its pods and itself', async () => {
  expect((await ask('GET', '/healthz')).body.toString()).toBe('ok');
  const { items } = JSON.parse((await ask('GET', '/pods')).body.toString());
  expect(items[0]).toMatchObject({ metadata: { name: 'shell' }, status: { phase: 'Running' } });
  const summary = async (query = '') => JSON.parse((await ask('GET', `/stats/summary${query}`)).body.toString());
  const { pods, node: machine } = await summary();
  const [pod] = pods;
  expect(pod.containers[0].memory.workingSetBytes).toBeGreaterThan(0);
  expect(pod.containers[0].logs.capacityBytes).toBeGreaterThan(0);
  expect(pod.network).toMatchObject({ name: 'eth0', rxErrors: 0, interfaces: [{ name: 'eth0' }] });
  expect(pod.network.rxBytes + pod.network.txBytes).toBeGreaterThan(0);
  expect(pod.process_stats.process_count).toBeGreaterThan(0);
  expect(pod['ephemeral-storage'].usedBytes).toBeGreaterThan(0);
  expect(machine.network.name).toBe('eth0');
  expect((await summary('?only_cpu_and_memory=true')).pods[0].network).toBeUndefined();
  const resources = (await ask('GET', '/metrics/resource')).body.toString();
  expect(resources).toMatch(
    /^container_cpu_usage_seconds_total\{container="[^"]+",namespace="default",pod="shell"\} \S+ \d{13}$/m,
  );
  expect(resources).toMatch(/^resource_scrape_error 0$/m);
  const cadvisor = (await ask('GET', '/metrics/cadvisor')).body.toString();
  const measured = (name: string, labels: string) =>
    Number(
      new RegExp(`^${name}\\{${labels},namespace="default",pod="shell"\\} (\\S+) \\d{13}$`, 'm').exec(cadvisor)?.[1],
    );
  const main = 'container="main",id="/[^"]+",image="[^"]+",name="[0-9a-f]{64}"';
  expect(measured('container_memory_working_set_bytes', main)).toBeGreaterThan(0);
  expect(measured('container_processes', main)).toBeGreaterThan(0);
  const link = 'container="",id="/[^"]+",image="",interface="eth0",name="[0-9a-f]{64}"';
  expect(measured('container_network_receive_packets_total', link)).toBeGreaterThan(0);
  const probes = (await ask('GET', '/metrics/probes')).body.toString();
  expect(probes).toMatch(
    /^prober_probe_total\{container="main",.*,probe_type="Readiness",result="successful"\} [1-9]/m,
  );
  expect((await ask('GET', '/logs/')).body.toString()).toContain('<pre>\n');
  expect((await ask('GET', '/logs/..%2F..%2Fetc%2Fpasswd')).status).toBe(404);
  expect((await ask('GET', '/stats/nothing')).status).toBe(404);
  const metrics = async () => (await ask('GET', '/metrics')).body.toString();
  await expect.poll(metrics, { timeout: 300_000 }).toContain('kubelet_running_pods 1\n');
  expect((await ask('GET', '/nothing')).status).toBe(404);
});
