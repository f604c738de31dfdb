import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { busyboxImage } from '../../src/cluster/images/built-in.ts';
import { isGrpcNotFound } from '../../src/grpc/client.ts';
import { type Cri, criClient } from '../../src/kubelet/cri/client.ts';
import { watchExits } from '../../src/kubelet/cri/events.ts';
import { containerState, sandboxState } from '../../src/kubelet/cri/messages.ts';
import { startTestNode, type TestNode } from './kubelet-node.ts';

let node: TestNode;
let cri: Cri;

beforeAll(async () => {
  node = await startTestNode('cri');
  writeFileSync(
    `${node.cniConfDir}/10-test.conflist`,
    JSON.stringify({
      cniVersion: '0.4.0',
      name: 'test',
      plugins: [
        {
          type: 'bridge',
          bridge: 'cni0',
          isGateway: true,
          ipam: { type: 'host-local', ranges: [[{ subnet: '10.250.0.0/24' }]] },
        },
      ],
    }),
  );
  cri = criClient(node.socketPath);
});

afterAll(async () => {
  cri.close();
  await node.stop();
});

const isTrue = (type: string) => expect.objectContaining({ type, status: true });

/** A sandbox's name is taken for as long as there is one: a second try has another. */
let attempt = 0;

test('a container lives and ends through CRI', async () => {
  expect(await cri.version()).toMatchObject({ runtimeName: 'containerd' });
  await expect
    .poll(async () => (await cri.status()).conditions, { timeout: 300_000 })
    .toEqual(expect.arrayContaining(['RuntimeReady', 'NetworkReady'].map(isTrue)));
  // That of Debian 12 does not tell.
  expect([false, undefined]).toContain(await cri.usesSystemd());
  const sandboxConfig = {
    metadata: { name: 'web', namespace: 'default', uid: 'u1', attempt },
    hostname: 'web',
    logDirectory: `${node.root}/logs`,
    labels: { 'io.kubernetes.pod.uid': 'u1' },
    linux: { cgroupParent: `${node.cgroupParent}/pod1` },
  };
  const ip = `10.250.0.${2 + attempt}`;
  attempt += 1;
  const sandbox = await cri.runPodSandbox(sandboxConfig);
  const status = await cri.podSandboxStatus(sandbox);
  expect(status).toMatchObject({ state: sandboxState.ready, network: { ip } });
  const namespace = (await cri.networkNamespace(sandbox)) ?? 'none';
  expect(node.run('nsenter', `--net=${namespace}`, 'ip', '-o', 'address')).toContain(` ${ip}/`);
  expect((await cri.imageStatus(busyboxImage))?.repoTags).toEqual([busyboxImage]);
  expect(await cri.imageStatus('portico.local/nothing:1')).toBeUndefined();
  const container = await cri.createContainer({
    podSandboxId: sandbox,
    sandboxConfig,
    config: {
      metadata: { name: 'main', attempt: 0 },
      image: { image: busyboxImage },
      command: ['sh', '-c', 'echo hello $NAME; exec sleep 1000'],
      envs: [{ key: 'NAME', value: 'world' }],
      labels: { 'io.kubernetes.pod.uid': 'u1' },
      logPath: 'main/0.log',
      linux: { resources: { cpuShares: 2, memoryLimitInBytes: 64 << 20 } },
    },
  });
  const over = new AbortController();
  const ended = new Promise<string>((resolve, reject) => {
    void watchExits({ socketPath: node.socketPath, signal: over.signal, onExit: resolve }).catch(reject);
  });
  await cri.startContainer(container);
  expect((await cri.containerStatus(container)).state).toBe(containerState.running);
  expect(await cri.execSync(container, ['sh', '-c', 'echo out; echo err >&2; exit 3'], 60)).toEqual({
    stdout: 'out\n',
    stderr: 'err\n',
    exitCode: 3,
  });
  await expect
    .poll(() => readFile(`${node.root}/logs/main/0.log`, 'utf8'), { timeout: 300_000 })
    .toMatch(/ stdout F hello world\n$/);
  await cri.stopContainer(container, 0);
  expect(await ended).toBe(container);
  over.abort();
  const exited = await cri.containerStatus(container);
  expect(exited).toMatchObject({ state: containerState.exited, exitCode: 137 });
  expect(Math.abs(exited.finishedAt / 1e6 - Date.now())).toBeLessThan(600_000);
  await cri.stopPodSandbox(sandbox);
  await cri.removePodSandbox(sandbox);
  await expect(cri.containerStatus(container)).rejects.toSatisfy(isGrpcNotFound);
});
