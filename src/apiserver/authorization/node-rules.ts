// What an agent (user system:node:NAME, group system:nodes) may do: its own Node, Lease and pods, and of the rest only
// what those need. Upstream splits this between the Node authorizer and the NodeRestriction admission plugin.

import type { PersistentVolume, Pod } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import type { Attributes, Decision } from '../extensions.ts';
import type { ObjectView } from '../object-view.ts';
import { type RequestInfo, selectedValue } from '../request-info.ts';
import { claimsOf, configMapsOf, secretsOf } from './pod-references.ts';

type PodObject = Readonly<Pod & KubeObject>;

interface Question {
  readonly nodeName: string;
  readonly verb: string;
  readonly info: RequestInfo;
  /** Of the field selector: `spec.nodeName`, where it asks for one. */
  readonly selectedNode: string | undefined;
  readonly view: ObjectView;
}

const prefix = 'system:node:';
const pods = { group: '', resource: 'pods' };
const networkPolicies = { group: 'networking.k8s.io', resource: 'networkpolicies' };
const volumes = { group: '', resource: 'persistentvolumes' };
const reading = ['get', 'list', 'watch'];
const changing = ['update', 'patch'];

/** The node that a user is the agent of, or undefined. */
export function nodeNameOf({ user }: Pick<Attributes, 'user'>): string | undefined {
  const isNode =
    user.name.length > prefix.length && user.name.startsWith(prefix) && user.groups.includes('system:nodes');
  return isNode ? user.name.slice(prefix.length) : undefined;
}

/** Undefined for users who are no agents. */
export function decideForNode(attributes: Attributes, view: ObjectView): Decision | undefined {
  const nodeName = nodeNameOf(attributes);
  if (nodeName === undefined) return undefined;
  const { verb, info, fieldSelector } = attributes;
  if (!info.isResource) {
    const isTunnel = verb === 'post' && info.path === `/portico/v1/nodes/${nodeName}/tunnel`;
    return { allowed: isTunnel || (verb === 'get' && info.path === '/portico/v1/cluster') };
  }
  const selectedNode = fieldSelector === undefined ? undefined : selectedValue(fieldSelector, 'spec.nodeName');
  const decide = byResource[info.group === '' ? info.resource : `${info.resource}.${info.group}`];
  if (decide?.({ nodeName, verb, info, selectedNode, view })) return { allowed: true };
  return { allowed: false, reason: `no relationship found between node '${nodeName}' and this object` };
}

const mayRead = ({ verb, info }: Question) => reading.includes(verb) && info.subresource === '';
const mayCreate = ({ verb, info }: Question) => verb === 'create' && info.subresource === '';

/** What agents read of everything: the proxy's and the DNS server's inputs, and what kubelets look up. */
const shared = [
  'namespaces',
  'endpointslices.discovery.k8s.io',
  'servicecidrs.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'runtimeclasses.node.k8s.io',
  'csidrivers.storage.k8s.io',
];

const byResource = table<(question: Question) => boolean>({
  ...Object.fromEntries(shared.map((resource) => [resource, mayRead])),
  nodes: decideNodes,
  pods: decidePods,
  // Who answers for its load balancer: admission (NodeRestriction) lets nothing else through.
  services: (q) => mayRead(q) || (q.verb === 'patch' && q.info.subresource === 'status'),
  events: ({ verb, info }) => info.subresource === '' && ['create', ...changing].includes(verb),
  'events.events.k8s.io': ({ verb, info }) => info.subresource === '' && ['create', ...changing].includes(verb),
  'leases.coordination.k8s.io': ({ verb, info, nodeName }) =>
    info.namespace === 'kube-node-lease' &&
    (verb === 'create' ? true : info.name === nodeName && ['get', 'delete', ...changing].includes(verb)),
  'certificatesigningrequests.certificates.k8s.io': (q) => mayRead(q) || mayCreate(q),
  'tokenreviews.authentication.k8s.io': mayCreate,
  'subjectaccessreviews.authorization.k8s.io': mayCreate,
  secrets: (q) => mayRead(q) && isUsedBy(q, ({ spec }) => secretsOf(spec)),
  configmaps: (q) => mayRead(q) && isUsedBy(q, ({ spec }) => configMapsOf(spec)),
  persistentvolumeclaims: (q) => {
    const isAllowed = q.info.subresource === 'status' ? ['get', ...changing].includes(q.verb) : mayRead(q);
    return isAllowed && isUsedBy(q, claimsOf);
  },
  persistentvolumes: (q) => mayRead(q) && isVolumeUsed(q),
  'csinodes.storage.k8s.io': ({ verb, info, nodeName }) =>
    info.subresource === '' &&
    (verb === 'create' || (info.name === nodeName && ['get', 'delete', ...changing].includes(verb))),
  serviceaccounts: (q) => {
    const isAllowed = q.info.subresource === 'token' ? q.verb === 'create' : mayRead(q);
    return isAllowed && isUsedBy(q, ({ spec }) => [spec.serviceAccountName ?? 'default']);
  },
});

function decideNodes({ verb, info, nodeName }: Question): boolean {
  if (verb === 'create') return info.subresource === '';
  if (reading.includes(verb)) return info.subresource === '';
  return changing.includes(verb) && info.name === nodeName && ['', 'status'].includes(info.subresource);
}

/** All pods are an agent's business only while there are policies: those name the pods of other nodes by their labels. */
function decidePods(question: Question): boolean {
  const { verb, info, nodeName, selectedNode, view } = question;
  if (verb === 'list' || verb === 'watch') {
    return info.subresource === '' && (selectedNode === nodeName || view.list(networkPolicies).length > 0);
  }
  // Mirror pods: which ones is for admission (NodeRestriction) to see.
  if (verb === 'create' && info.subresource === '') return true;
  const pod = view.get<PodObject>(pods, info.namespace, info.name);
  // Of a pod that is gone a kubelet may hear that it is gone.
  const isOurs = pod === undefined || pod.spec.nodeName === nodeName;
  if (info.subresource === '') return isOurs && ['get', 'delete'].includes(verb);
  return isOurs && (info.subresource === 'status' ? changing.includes(verb) : info.subresource === 'eviction');
}

/** Whether a pod of the node uses the claim that a volume is bound to. */
function isVolumeUsed(question: Question): boolean {
  const { info, view } = question;
  const claimRef = view.get<Readonly<PersistentVolume & KubeObject>>(volumes, '', info.name)?.spec?.claimRef;
  if (!claimRef?.name || !claimRef.namespace) return false;
  const claim = { ...info, name: claimRef.name, namespace: claimRef.namespace };
  return isUsedBy({ ...question, info: claim }, claimsOf);
}

/** Whether a pod of the node refers to the object by name. */
function isUsedBy({ info, nodeName, view }: Question, refers: (pod: PodObject) => readonly string[]): boolean {
  if (info.name === '' || info.namespace === '') return false;
  return view
    .list<PodObject>(pods, info.namespace)
    .some((pod) => pod.spec.nodeName === nodeName && refers(pod).includes(info.name));
}
