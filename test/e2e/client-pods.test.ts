// What clients do with running pods: logs, exec, attach, copies, and forwarded ports, by kubectl of
// three versions and by the JavaScript client; and a Helm test, whose pod asks the chart's Service.
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Attach, Exec, KubeConfig, Log, PortForward, type V1Status } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientTool, clientTool, kubectlMinors } from '../fixtures/client-tools.ts';
import { start, testCluster } from './portico.ts';

const cluster = testCluster('e2e-clients');
const namespace = 'default';
const chart = join(import.meta.dirname, '../fixtures/chart');
/** Unset until the cluster is up. */
let admin: ClientTool;

beforeAll(async () => {
  const { code, stderr } = await cluster.portico('up', '--egress', 'off', '--nodes', '1');
  expect(code, stderr).toBe(0);
  admin = new ClientTool({ program: 'kubectl', minor: '35', kubeconfig: cluster.kubeconfig, namespace });
  await admin.ok('run', 'one', '--image=portico.local/echo:1', '--labels=app=one', '--port=80');
  await admin.ok('wait', '--for=condition=Ready', 'pod/one', '--timeout=300s');
});
afterAll(async () => {
  (admin as ClientTool | undefined)?.remove();
  await cluster.remove();
});

/** Makes room for a pod of the name: a test that is tried again begins anew. */
const forgetPod = (name: string) => admin.ok('delete', 'pod', name, '--ignore-not-found', '--now');

async function answerOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(300_000) });
  return response.text();
}

describe.each(kubectlMinors)('kubectl 1.%s', (minor) => {
  let k: ClientTool;
  beforeAll(() => {
    k = new ClientTool({ program: 'kubectl', minor, kubeconfig: cluster.kubeconfig, namespace });
  });
  afterAll(() => k.remove());

  test('exec: output, input, exit codes', async () => {
    expect(await k.ok('exec', 'one', '--', 'echo', 'here')).toBe('here\n');
    const piped = await k.run(['exec', '-i', 'one', '--', 'sh', '-c', 'cat; echo err >&2; exit 7'], { input: 'to it' });
    expect(piped).toMatchObject({ code: 7, stdout: 'to it' });
    expect(piped.stderr).toContain('err\n');
    expect(piped.stderr).toContain('command terminated with exit code 7');
    const megabyte = 'x'.repeat(1024 * 1024);
    const back = await k.run(['exec', '-i', 'one', '--', 'cat'], { input: megabyte });
    expect(back.stdout === megabyte, `${back.stdout.length} bytes came back: ${back.stderr}`).toBe(true);
  });

  test('exec with SPDY instead of WebSocket', async () => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' };
    const { code, stdout } = await k.run(['exec', '-i', 'one', '--', 'sh', '-c', 'cat; exit 3'], { env, input: 'old' });
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'old' });
  });

  test('logs', async () => {
    await k.ok('exec', 'one', '--', 'sh', '-c', `echo said-${minor} >/proc/1/fd/1`);
    const logs = async (...args: string[]) => await k.ok('logs', 'one', ...args);
    // The runtime writes the file behind the answer of the exec.
    await expect.poll(() => logs(), { timeout: 300_000 }).toContain(`said-${minor}\n`);
    expect(await logs('--tail=1')).toBe(`said-${minor}\n`);
    expect(await logs('--tail=1', '--timestamps')).toMatch(/^\d{4}-\d\d-\d\dT\S+ said-/);
    expect(await logs('--limit-bytes=4')).toHaveLength(4);
    expect(await k.refused('logs', 'one', '-c', 'none')).toContain('container none is not valid for pod one');
    expect(await k.refused('logs', 'one', '--previous')).toContain(
      'previous terminated container "one" in pod "one" not found',
    );
  });

  test('cp there and back', async () => {
    const there = k.file('there.txt', `a file of ${minor}\n`);
    await k.ok('cp', there, `one:/tmp/copy-${minor}`);
    const back = join(k.folder, 'back.txt');
    await k.ok('cp', `one:/tmp/copy-${minor}`, back);
    expect(readFileSync(back, 'utf8')).toBe(`a file of ${minor}\n`);
    const tree = join(k.folder, 'tree');
    mkdirSync(tree, { recursive: true });
    k.file('tree/inner.txt', 'inner');
    await k.ok('cp', tree, `one:/tmp/tree-${minor}`);
    expect(await k.ok('exec', 'one', '--', 'cat', `/tmp/tree-${minor}/inner.txt`)).toBe('inner');
  });

  test('port-forward', async () => {
    const flags = ['--kubeconfig', cluster.kubeconfig, 'port-forward', 'pod/one', ':80'];
    const forward = start([clientTool('kubectl', minor), ...flags]);
    try {
      const port = await expect
        .poll(() => Number(/127\.0\.0\.1:(\d+) -> 80/.exec(forward.output())?.[1] ?? 0), { timeout: 300_000 })
        .toBeGreaterThan(0)
        .then(() => Number(/127\.0\.0\.1:(\d+) -> 80/.exec(forward.output())?.[1]));
      const answers = await Promise.all(Array.from({ length: 5 }, () => answerOf(port)));
      for (const answer of answers) expect(answer).toMatch(/^one /);
    } finally {
      await forward.stop();
    }
  });
});

describe('kubectl 1.35', () => {
  test('attach hears what the container says', async () => {
    const flags = ['--kubeconfig', cluster.kubeconfig, 'attach', 'one'];
    const attached = start([clientTool('kubectl', '35'), ...flags]);
    try {
      await expect
        .poll(
          async () => {
            await admin.ok('exec', 'one', '--', 'sh', '-c', 'echo attached >/proc/1/fd/1');
            return attached.output();
          },
          { timeout: 300_000 },
        )
        .toContain('attached\n');
    } finally {
      await attached.stop();
    }
  });

  test('run --rm -i: a pod for one command', async () => {
    await forgetPod('short');
    const said = await admin.run(
      [
        'run',
        'short',
        '--image=portico.local/echo:1',
        '--restart=Never',
        '--rm',
        '-i',
        '--quiet',
        '--command',
        '--',
        'sh',
        '-c',
        'read a; echo got $a',
      ],
      { input: 'it\n' },
    );
    expect(said.stdout, said.stderr).toContain('got it');
  });

  test('run -it where no terminal is: the container has one, and the command ends', async () => {
    await forgetPod('unseen');
    const shell = ['--image=portico.local/echo:1', '--command', '--', 'sh', '-c', 'tty && exit 3'];
    const said = await admin.run(['run', 'unseen', '--restart=Never', '--rm', '-it', ...shell], { input: '' });
    expect(said, said.stderr).toMatchObject({ code: 3 });
  });
});

describe('the JavaScript client', () => {
  const config = new KubeConfig();
  beforeAll(() => config.loadFromFile(cluster.kubeconfig));

  test('exec over WebSocket: input, output and the exit code', async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const ended = Promise.withResolvers<V1Status>();
    const command = ['sh', '-c', 'read a; echo out $a; echo err >&2; exit 4'];
    const io = [stdout, stderr, Readable.from(['hello\n'])] as const;
    await new Exec(config).exec(namespace, 'one', 'one', command, ...io, false, ended.resolve);
    const status = await ended.promise;
    expect(status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '4' }] },
    });
    stdout.end();
    stderr.end();
    expect([await text(stdout), await text(stderr)]).toEqual(['out hello\n', 'err\n']);
  });

  test('exec in a pod that there is not is refused', async () => {
    const sink = new PassThrough();
    await expect(new Exec(config).exec(namespace, 'none', 'c', ['ls'], sink, sink, null, false)).rejects.toBeDefined();
  });

  test('attach', async () => {
    const said = new PassThrough();
    const socket = await new Attach(config).attach(namespace, 'one', 'one', said, said, null, false);
    let heard = '';
    said.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk;
    });
    // What is said before the runtime has attached goes to the log only.
    const speak = async () => {
      await admin.ok('exec', 'one', '--', 'sh', '-c', 'echo to-javascript >/proc/1/fd/1');
      return heard;
    };
    await expect.poll(speak, { timeout: 300_000 }).toContain('to-javascript\n');
    socket.close();
  });

  test('a log that is followed ends with its container', async () => {
    const script = 'echo first; until [ -e /tmp/go ]; do sleep 0.1; done; echo last';
    const spoken = ['--image=portico.local/echo:1', '--restart=Never', '--command', '--', 'sh', '-c', script];
    await forgetPod('speaker');
    await admin.ok('run', 'speaker', ...spoken);
    await admin.ok('wait', '--for=condition=Ready', 'pod/speaker', '--timeout=300s');
    const log = new PassThrough();
    await new Log(config).log(namespace, 'speaker', 'speaker', log, { follow: true });
    let heard = '';
    log.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk;
    });
    const ended = once(log, 'end');
    await expect.poll(() => heard, { timeout: 300_000 }).toBe('first\n');
    await admin.ok('exec', 'speaker', '--', 'touch', '/tmp/go');
    await ended;
    expect(heard).toBe('first\nlast\n');
  });

  test('port-forward', async () => {
    const { createServer } = await import('node:net');
    const forward = new PortForward(config);
    const listener = createServer((socket) => {
      // What the pod still sends when the client has gone has nowhere to go.
      socket.on('error', () => {});
      forward.portForward(namespace, 'one', [80], socket, null, socket).catch((error) => socket.destroy(error));
    });
    await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
    const { port } = listener.address() as { port: number };
    const client = connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.0\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.[01] 200/);
    client.destroy();
    listener.close();
  });
});

test("helm test runs the chart's pod, which asks the chart's Service", async () => {
  const helm = new ClientTool({ program: 'helm', minor: '35', kubeconfig: cluster.kubeconfig, namespace });
  try {
    // Tried again, it begins anew.
    await helm.ok('uninstall', 'web', '--ignore-not-found', '--wait', '--timeout', '300s');
    await helm.ok('install', 'web', chart, '--set', 'replicas=2', '--wait', '--timeout', '300s');
    const said = await helm.ok('test', 'web', '--logs', '--timeout', '300s');
    expect(said).toMatch(/^Phase: +Succeeded$/m);
    expect(said).toMatch(/^web-\S+ 10\.244\.\S+ sees 10\.244\./m);
    await helm.ok('uninstall', 'web', '--wait', '--timeout', '300s');
  } finally {
    helm.remove();
  }
});
