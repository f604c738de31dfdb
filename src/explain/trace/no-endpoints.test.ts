// Services that nobody stands behind, as people write them, and what is said of each.
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../apimachinery/object.ts';
import { parseFrom, parseTo } from './ends.ts';
import { type TraceRequest, tracePacket } from './trace-packet.ts';

const cluster = `
kind: Node
metadata: {name: a}
spec: {podCIDRs: [10.244.0.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.11}], conditions: [{type: Ready, status: "True"}]}
---
kind: Node
metadata: {name: down}
spec: {podCIDRs: [10.244.1.0/24]}
status: {addresses: [{type: InternalIP, address: 172.30.0.12}], conditions: [{type: Ready, status: Unknown}]}
---
kind: Pod
metadata: {name: client, namespace: demo}
spec: {nodeName: a}
status: {podIP: 10.244.0.5}
---
kind: Pod
metadata: {name: web-1, namespace: demo, labels: {app: web, tier: front}}
spec: {nodeName: a, containers: [{name: c, ports: [{name: http, containerPort: 8080}, {name: dns, containerPort: 53, protocol: UDP}]}]}
status: {podIP: 10.244.0.6, conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
metadata: {name: web-0, namespace: demo, labels: {app: web}}
spec: {nodeName: a}
status: {podIP: 10.244.0.12, conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
metadata: {name: db-1, namespace: demo, labels: {app: db}}
spec: {nodeName: a}
status: {podIP: 10.244.0.7, conditions: [{type: Ready, status: "True"}]}
---
kind: Pod
metadata: {name: far, namespace: away, labels: {app: far}}
spec: {nodeName: a}
status: {podIP: 10.244.0.8}
---
kind: Pod
metadata: {name: waiting, namespace: demo, labels: {app: waiting}}
spec: {}
status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", message: "0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate"}]}
---
kind: Pod
metadata: {name: sick, namespace: demo, labels: {app: sick}}
spec: {nodeName: a, containers: [{name: c, readinessProbe: {}}]}
status: {podIP: 10.244.0.9, conditions: [{type: Ready, status: "False"}], containerStatuses: [{name: c, ready: false, state: {running: {}}}]}
---
kind: Pod
metadata: {name: loop, namespace: demo, labels: {app: loop}}
spec: {nodeName: a, containers: [{name: c}]}
status: {podIP: 10.244.0.10, conditions: [{type: Ready, status: "False"}], containerStatuses: [{name: c, ready: false, state: {waiting: {reason: CrashLoopBackOff}}}]}
---
kind: Pod
metadata: {name: cut-off, namespace: demo, labels: {app: cut-off}}
spec: {nodeName: down, containers: [{name: c}]}
status: {podIP: 10.244.1.6, conditions: [{type: Ready, status: "False"}]}
---
kind: Pod
metadata: {name: job, namespace: demo, labels: {app: job}}
spec: {nodeName: a}
status: {podIP: 10.244.0.11, phase: Succeeded}
`;

const service = (spec: string) => `
---
kind: Service
metadata: {name: web, namespace: demo}
spec: ${spec}
`;
const withIP = (spec: string) =>
  service(
    `{clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5], ports: [{name: http, port: 80, targetPort: http}], ${spec}}`,
  );

const slice = (more: string) => `
---
kind: EndpointSlice
metadata: {name: web-x, namespace: demo, labels: {kubernetes.io/service-name: web}}
${more}
`;
const listing = (address: string) =>
  slice(`addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [${address}], conditions: {ready: false}}]`);
const namesOnly = (name: string) =>
  service('{clusterIP: None}') + slice(`addressType: FQDN\nendpoints: [{addresses: [${name}]}]`);

function causeOf(manifests: string, to = 'web:80') {
  const objects = parseAllDocuments(cluster + manifests).map((document) => document.toJS() as KubeObject);
  const settings = {
    mode: 'nftables',
    clusterCIDRs: ['10.244.0.0/16'],
    serviceCIDRs: [],
    nodePortAddresses: [],
  } as const;
  const request: TraceRequest = {
    ...{ objects, settings, clusterDomain: 'cluster.local' },
    ...{ from: parseFrom('pod/client', 'demo'), to: parseTo(to) },
  };
  return tracePacket(request).cause;
}

test.each([
  {
    why: 'a slip in the selector',
    manifests: withIP('selector: {app: wbe}'),
    message:
      'its selector app=wbe matches no pod of namespace demo; nearest are pods web-1, web-0: its app is web, not wbe',
    remedy: "make the selector and the pods' labels agree",
  },
  {
    why: 'a value that is like none',
    manifests: withIP('selector: {app: frontend}'),
    message: 'matches no pod of namespace demo; values of app there are cut-off, db, job, loop, sick and 2 more',
    remedy: "make the selector and the pods' labels agree",
  },
  {
    why: 'a label that no pod has',
    manifests: withIP('selector: {name: web}'),
    message: 'its selector name=web matches no pod of namespace demo',
    remedy: "make the selector and the pods' labels agree",
  },
  {
    why: 'one label of two is another',
    manifests: withIP('selector: {app: web, tier: back}'),
    message: 'nearest is pod web-1: its tier is front, not back',
    remedy: "make the selector and the pods' labels agree",
  },
  {
    why: 'pods of another namespace',
    manifests: withIP('selector: {app: far}'),
    message: 'matches no pod of namespace demo; in namespace away it would match pod far',
    remedy: 'a Service stands for pods of its own namespace',
  },
  {
    why: 'no container port of that name',
    manifests: withIP('selector: {app: web, tier: front}').replace('targetPort: http', 'targetPort: htpp'),
    message: 'no TCP port of their containers has the name htpp: there is http (8080)',
    remedy: 'take the name or the number of one of them',
  },
  {
    why: 'a container port of that name, of another protocol',
    manifests: withIP('selector: {tier: front}').replace('targetPort: http', 'targetPort: dns'),
    message: 'no TCP port of their containers has the name dns: there is http (8080)',
    remedy: 'take the name or the number of one of them',
  },
  {
    why: 'a pod that is on no node',
    manifests: withIP('selector: {app: waiting}'),
    message: 'pod waiting: it is on no node yet: 0/2 nodes are available: 2 Insufficient cpu',
    remedy: 'look at why: kubectl -n demo describe pod waiting',
  },
  {
    why: 'a pod that has ended',
    manifests: withIP('selector: {app: job}'),
    message: 'matches pod job, of which none has an address: pod job: it has ended (Succeeded)',
    remedy: 'kubectl -n demo describe pod job',
  },
  {
    why: 'a probe that does not succeed',
    manifests: withIP('selector: {app: sick}') + listing('10.244.0.9'),
    message:
      'none of its 1 endpoint is ready: pod sick: it is not ready: the readiness probe of container c does not succeed',
    remedy: 'look at the readiness of its pods: kubectl -n demo describe pod sick',
  },
  {
    why: 'a container that ends again and again',
    manifests: withIP('selector: {app: loop}') + listing('10.244.0.10'),
    message: 'pod loop: it is not ready: container c waits (CrashLoopBackOff)',
    remedy: 'kubectl -n demo describe pod loop',
  },
  {
    why: 'a node that is down',
    manifests: withIP('selector: {app: cut-off}') + listing('10.244.1.6'),
    message: 'pod cut-off: it is not ready, and its node down is not ready',
    remedy: 'kubectl -n demo describe pod cut-off',
  },
  {
    why: 'slices that are not written yet',
    manifests: withIP('selector: {tier: front}'),
    message: 'its selector tier=front matches pod web-1, and no EndpointSlice lists it at this port',
    remedy: 'kubectl get endpointslices -l kubernetes.io/service-name=web',
  },
  {
    why: 'no selector and no slice',
    manifests: withIP(''),
    message: 'it has no selector, and no EndpointSlice lists an endpoint of this port',
    remedy: 'with the label kubernetes.io/service-name: web',
  },
  {
    why: 'a slice whose port has another name',
    manifests: `${withIP('')}${slice('addressType: IPv4\nports: [{port: 80}]\nendpoints: [{addresses: [192.0.2.5]}]')}`,
    message: 'its ports are ""/TCP; that of Service demo/web is "http"/TCP, and they are matched by name',
    remedy: 'give the port of the EndpointSlice the name "http"',
  },
  {
    why: 'a slice of the other family',
    manifests: `${withIP('')}${slice('addressType: IPv6\nports: [{name: http, port: 80}]\nendpoints: [{addresses: ["fd00::5"]}]')}`,
    message: 'it lists IPv6 addresses, and demo/web is asked at one of IPv4',
    remedy: 'write an EndpointSlice of IPv4',
  },
  {
    why: 'a headless Service whose selector matches nobody',
    manifests: service('{clusterIP: None, selector: {app: wbe}}'),
    message: 'its selector app=wbe matches no pod of namespace demo; nearest are pods web-1, web-0',
    remedy: "make the selector and the pods' labels agree",
  },
  {
    why: 'a headless Service of which nobody is ready',
    manifests: service('{clusterIP: None, selector: {app: sick}}') + listing('10.244.0.9'),
    message: 'none of its 1 endpoint is ready: pod sick: it is not ready: the readiness probe of container c',
    remedy: 'kubectl -n demo describe pod sick',
  },
  {
    why: 'an ExternalName that is an address',
    manifests: service('{type: ExternalName, externalName: 192.0.2.7}'),
    message: '192.0.2.7 is an address, and names stand for names alone',
    remedy: 'make it a Service without a selector, and write an EndpointSlice with the address',
  },
  {
    why: 'an ExternalName that nobody in the cluster has',
    manifests: service('{type: ExternalName, externalName: nix.demo.svc.cluster.local}'),
    message: 'nix.demo.svc.cluster.local is a name of the cluster that nobody has',
    remedy: 'take the name of a Service that there is',
  },
  {
    why: 'a slice with a name that nobody in the cluster has',
    manifests: namesOnly('nix.demo.svc.cluster.local'),
    message: 'nix.demo.svc.cluster.local is a name of the cluster that nobody has',
    remedy: 'take the name of a Service that there is',
  },
])('why nobody answers: $why', ({ manifests, message, remedy }) => {
  expect(causeOf(manifests)).toMatchObject({
    message: expect.stringContaining(message),
    remedy: expect.stringContaining(remedy),
  });
});

test('a name of the world has no cause here', () => {
  expect(causeOf(service('{type: ExternalName, externalName: www.example.com}'))).toBeUndefined();
  expect(causeOf(namesOnly('www.example.com'))).toBeUndefined();
});
