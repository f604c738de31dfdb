// Runs inside a test node: one pod by a kubelet of its own, whose API is served on a unix socket (HTTP/2).
// Arguments: the node's folder, the socket's path, the parent cgroup.
import { createServer } from 'node:http2';
import type { Node, Pod } from '../../src/api/core/v1/types.generated.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { nodes, pods } from '../../src/client/resources.ts';
import { busyboxImage } from '../../src/cluster/images/built-in.ts';
import { criClient } from '../../src/kubelet/cri/client.ts';
import { Kubelet } from '../../src/kubelet/kubelet.ts';
import { PodNetwork } from '../../src/podnetwork/pod-network.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFiles } from '../../src/system/real/files.ts';
import { realRandom } from '../../src/system/real/random.ts';

const [root = '', socketPath = ''] = process.argv.slice(2);
const api = new FakeApi({ clock: realClock, random: realRandom });
const informers = createInformers(api, { clock: realClock, random: realRandom });
const log = (line: string) => console.error(line);
const nodeName = 'node-1';
await api.resource<Node>(nodes).create({
  metadata: { name: nodeName },
  spec: { podCIDRs: ['10.250.2.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '172.31.255.11' }] },
});
await api.resource<Pod>(pods).create({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'shell', namespace: 'default' },
  spec: {
    nodeName,
    containers: [
      {
        name: 'main',
        image: busyboxImage,
        command: [
          'sh',
          '-c',
          'echo first; echo second; mkdir /tmp/www; echo served > /tmp/www/a; exec httpd -f -p 127.0.0.1:8080 -h /tmp/www',
        ],
        readinessProbe: {
          exec: { command: ['wget', '-qO-', 'http://127.0.0.1:8080/a'] },
          periodSeconds: 1,
          timeoutSeconds: 60,
        },
      },
    ],
  },
});
// What has ended leaves its sandbox, which has no network any more.
await api.resource<Pod>(pods).create({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'done', namespace: 'default' },
  spec: { nodeName, restartPolicy: 'Never', containers: [{ name: 'main', image: busyboxImage, command: ['true'] }] },
});
const shared = { informers, exec: realExec, files: realFiles, clock: realClock, nodeName, log };
const network = new PodNetwork({ ...shared, clusterCIDRs: ['10.250.0.0/16'], cniConfDir: `${root}/net.d` });
const kubelet = new Kubelet({
  ...shared,
  client: api,
  nodeIPs: ['172.31.255.11'],
  version: 'v1.36.2',
  cri: criClient(`${root}/containerd.sock`),
  runtimeSocket: `${root}/containerd.sock`,
  random: realRandom,
  rootDir: `${root}/agent`,
  cgroupRoot: process.argv[4] ?? '',
  clusterDNS: ['10.96.0.10'],
  networkReady: network.ready,
  podCIDRs: () => network.ranges(),
});
const { signal } = new AbortController();
void Promise.all([informers.run(signal), network.run(signal), kubelet.run(signal)]);
createServer((request, response) => void kubelet.handler(request, response)).listen(socketPath);
await Promise.all([whenPod('done', isOver), whenPod('shell', isReady)]);
console.log('ready');

function whenPod(name: string, holds: (pod: Readonly<Pod>) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (pod: Readonly<Pod>) => {
      if (pod.metadata.name === name && holds(pod)) resolve();
    };
    informers.informer<Pod>(pods).addHandler({ added: look, updated: look });
  });
}

function isOver({ status }: Readonly<Pod>): boolean {
  return status?.phase === 'Succeeded';
}

function isReady({ status }: Readonly<Pod>): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
}
