// A kubelet with its pod network over a test node, towards an API in memory.
import { mkdirSync } from 'node:fs';
import type { Node } from '../../src/api/core/v1/types.generated.ts';
import type { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { nodes } from '../../src/client/resources.ts';
import { criClient } from '../../src/kubelet/cri/client.ts';
import type { HousekeepingSettings } from '../../src/kubelet/housekeeping.ts';
import { Kubelet } from '../../src/kubelet/kubelet.ts';
import { PodNetwork } from '../../src/podnetwork/pod-network.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { realRandom } from '../../src/system/real/random.ts';
import type { TestNode } from './kubelet-node.ts';

export interface NodeKubeletOptions {
  readonly api: FakeApi;
  readonly nodeName: string;
  /** Within 10.250.0.0/16. */
  readonly podCIDR: string;
  readonly housekeeping: Partial<HousekeepingSettings>;
  readonly signal: AbortSignal;
}

/** Makes the Node and starts its kubelet. `ended` resolves after the signal. */
export async function startNodeKubelet(
  node: TestNode,
  { api, nodeName, podCIDR, housekeeping, signal }: NodeKubeletOptions,
): Promise<{ readonly ended: Promise<unknown> }> {
  mkdirSync(`${node.root}/agent`, { recursive: true });
  await api.resource<Node>(nodes).create({
    metadata: { name: nodeName },
    spec: { podCIDRs: [podCIDR] },
    status: { addresses: [{ type: 'InternalIP', address: '172.31.255.11' }] },
  });
  const informers = createInformers(api, { clock: realClock, random: realRandom });
  // The test's process is not in the node's namespaces: programs are run there.
  const exec = { run: (command: readonly string[], options = {}) => realExec.run(node.inside(command), options) };
  const shared = { client: api, informers, exec, files: realFiles, clock: realClock, nodeName, log: () => {} };
  const network = new PodNetwork({ ...shared, clusterCIDRs: ['10.250.0.0/16'], cniConfDir: node.cniConfDir });
  const kubelet = new Kubelet({
    ...shared,
    nodeIPs: ['172.31.255.11'],
    version: 'v1.36.2',
    cri: criClient(node.socketPath),
    runtimeSocket: node.socketPath,
    random: realRandom,
    rootDir: `${node.root}/agent`,
    cgroupRoot: node.cgroupParent,
    clusterDNS: ['10.96.0.10'],
    networkReady: network.ready,
    housekeeping,
  });
  return { ended: Promise.allSettled([informers.run(signal), network.run(signal), kubelet.run(signal)]) };
}
