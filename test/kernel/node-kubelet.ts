// A kubelet with its pod network over a test node, towards an API in memory.
import { mkdirSync } from 'node:fs';
import { expect } from 'vitest';
import type { Node, Pod } from '../../src/api/core/v1/types.generated.ts';
import { ignoreNotFound } from '../../src/apimachinery/status.ts';
import type { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { nodes, pods } from '../../src/client/resources.ts';
import { criClient } from '../../src/kubelet/cri/client.ts';
import type { HousekeepingSettings } from '../../src/kubelet/housekeeping.ts';
import { Kubelet } from '../../src/kubelet/kubelet.ts';
import { PodNetwork } from '../../src/podnetwork/pod-network.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { realRandom } from '../../src/system/real/random.ts';
import type { TestNode } from './kubelet-node.ts';

const nodeIP = '172.31.255.11';

/** The Node whose kubelet {@link runKubelet} is; its pods have addresses of `podCIDR`, which is within 10.250.0.0/16. */
export async function makeNode(api: FakeApi, name: string, podCIDR: string): Promise<void> {
  await api.resource<Node>(nodes).create({
    metadata: { name },
    spec: { podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address: nodeIP }] },
  });
}

/** Takes a pod away, if there is one, and waits until it is gone. */
export async function removePod(api: FakeApi, { metadata: { name, namespace } }: Pick<Pod, 'metadata'>): Promise<void> {
  const podApi = api.resource<Pod>(pods);
  const find = () => podApi.get(name, namespace).catch(ignoreNotFound);
  if (!(await find())) return;
  await podApi.delete(name, namespace, { gracePeriodSeconds: 1 }).catch(ignoreNotFound);
  await expect.poll(find, { timeout: 300_000 }).toBeUndefined();
}

/** Makes a pod; in place of the one that a first try of the test left, if it did. */
export async function putPod(api: FakeApi, pod: Pod): Promise<Pod> {
  await removePod(api, pod);
  return api.resource<Pod>(pods).create(pod);
}

export interface NodeKubeletOptions {
  readonly api: FakeApi;
  readonly nodeName: string;
  readonly housekeeping: Partial<HousekeepingSettings>;
  readonly log?: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs the kubelet until the signal, with nothing left of one before it but what is on the node. Resolves when it has ended. */
export function runKubelet(
  node: TestNode,
  { api, nodeName, housekeeping, log = () => {}, signal }: NodeKubeletOptions,
): Promise<unknown> {
  mkdirSync(`${node.root}/agent`, { recursive: true });
  const informers = createInformers(api, { clock: realClock, random: realRandom, freeze: true });
  // The test's process is not in the node's namespaces: programs are run there, and probes go by exec.
  const exec = { run: (command: readonly string[], options = {}) => realExec.run(node.inside(command), options) };
  const shared = { client: api, informers, exec, files: realFiles, clock: realClock, nodeName, log };
  const network = new PodNetwork({ ...shared, clusterCIDRs: ['10.250.0.0/16'], cniConfDir: node.cniConfDir });
  const kubelet = new Kubelet({
    ...shared,
    nodeIPs: [nodeIP],
    version: 'v1.36.2',
    cri: criClient(node.socketPath),
    runtimeSocket: node.socketPath,
    random: realRandom,
    rootDir: `${node.root}/agent`,
    cgroupRoot: node.cgroupParent,
    clusterDNS: ['10.96.0.10'],
    networkReady: network.ready,
    podCIDRs: () => network.ranges(),
    housekeeping,
  });
  return Promise.allSettled([informers.run(signal), network.run(signal), kubelet.run(signal)]);
}
