// What an agent (user system:node:NAME, group system:nodes) may do: its own Node, Lease and pods, and of the rest only
// what those need. Upstream splits this between the Node authorizer and the NodeRestriction admission plugin.

import type { PersistentVolume, Pod } from '../../api/core/v1/types.generated.ts';
import type { VolumeAttachment } from '../../api/storage/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';
import type { Attributes, Decision } from '../access-control.ts';
import type { ObjectView } from '../object-view.ts';
import { type RequestInfo, selectedValue } from '../request-info.ts';
import { claimsOf, configMapsOf, isSecretOfVolume, secretsOf } from './pod-references.ts';

type PodObject = Readonly<Pod & KubeObject>;
type VolumeObject = Readonly<PersistentVolume & KubeObject>;

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
const attachments = { group: 'storage.k8s.io', resource: 'volumeattachments' };
const reading = ['get', 'list', 'watch'];
const changing = ['update', 'patch'];

/** The node that a user is the agent of, or undefined. */
export function nodeNameOf({ user }: Pick<Attributes, 'user'>): string | undefined {
  const isNode =
    user.name.length > prefix.length && user.name.startsWith(prefix) && user.groups.includes('system:nodes');
  return isNode ? user.name.slice(prefix.length) : undefined;
}

/** Why not, which may be nothing; true: yes. */
type Verdict = true | string;

/** Undefined for users who are no agents. */
export function decideForNode(attributes: Attributes, view: ObjectView): Decision | undefined {
  const { user, verb, info, fieldSelector } = attributes;
  const nodeName = nodeNameOf(attributes);
  if (nodeName === undefined) {
    if (user.name !== prefix || !user.groups.includes('system:nodes')) return undefined;
    return { allowed: false, reason: `unknown node for user ${JSON.stringify(user.name)}` };
  }
  if (!info.isResource) {
    const isTunnel = verb === 'post' && info.path === `/portico/v1/nodes/${nodeName}/tunnel`;
    return { allowed: isTunnel || (verb === 'get' && info.path === '/portico/v1/cluster') };
  }
  const selectedNode = fieldSelector === undefined ? undefined : selectedValue(fieldSelector, 'spec.nodeName');
  const decide = byResource[info.group === '' ? info.resource : `${info.resource}.${info.group}`];
  const verdict = decide?.({ nodeName, verb, info, selectedNode, view }) ?? '';
  return verdict === true ? { allowed: true } : { allowed: false, ...(verdict !== '' && { reason: verdict }) };
}

const mayRead = ({ verb, info }: Question) => reading.includes(verb) && info.subresource === '';
const mayCreate = ({ verb, info }: Question) => verb === 'create' && info.subresource === '';
const mayTell = ({ verb, info }: Question) => info.subresource === '' && ['create', ...changing].includes(verb);

/** What agents read of everything: the proxy's and the DNS server's inputs, and what kubelets look up. */
const shared = [
  'namespaces',
  'endpointslices.discovery.k8s.io',
  'servicecidrs.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'runtimeclasses.node.k8s.io',
  'csidrivers.storage.k8s.io',
];

/** Of what upstream's node authorizer does not look into it says nothing but no. */
const plainly = (rule: (question: Question) => boolean) => (question: Question) => rule(question) || '';

const byResource = table<(question: Question) => Verdict>({
  ...Object.fromEntries(shared.map((resource) => [resource, plainly(mayRead)])),
  nodes: plainly(decideNodes),
  pods: decidePods,
  // Who answers for its load balancer: admission (NodeRestriction) lets nothing else through.
  services: plainly((q) => mayRead(q) || (q.verb === 'patch' && q.info.subresource === 'status')),
  events: plainly(mayTell),
  'events.events.k8s.io': plainly(mayTell),
  'leases.coordination.k8s.io': decideLeases,
  'certificatesigningrequests.certificates.k8s.io': plainly((q) => mayRead(q) || mayCreate(q)),
  'tokenreviews.authentication.k8s.io': plainly(mayCreate),
  'subjectaccessreviews.authorization.k8s.io': plainly(mayCreate),
  'localsubjectaccessreviews.authorization.k8s.io': plainly(mayCreate),
  secrets: (q) => readNamespaced(q, isSecretUsed),
  configmaps: (q) => readNamespaced(q, (one) => isUsedBy(one, ({ spec }) => configMapsOf(spec))),
  persistentvolumeclaims: (q) => {
    const isUsed = (one: Question) => isUsedBy(one, claimsOf);
    if (q.info.subresource !== 'status') return readOne(q, isUsed);
    return changing.includes(q.verb) ? related(q, isUsed) : 'can only get/update/patch this type';
  },
  persistentvolumes: (q) => readOne(q, isVolumeUsed),
  'volumeattachments.storage.k8s.io': (q) => readOne(q, isAttachedHere),
  'csinodes.storage.k8s.io': ({ verb, info, nodeName }) => {
    if (!ownVerbs.includes(verb)) return 'can only get, create, update, patch, or delete a CSINode';
    if (info.subresource !== '') return 'cannot authorize CSINode subresources';
    const isOwn = verb === 'create' || info.name === nodeName;
    return isOwn || 'can only access CSINode with the same name as the requesting node';
  },
  serviceaccounts: (q) => {
    const isUsed = (one: Question) => isUsedBy(one, ({ spec }) => [spec.serviceAccountName ?? 'default']);
    const { verb, info } = q;
    if (mayRead(q) && info.name !== '') return related(q, isUsed);
    if (verb !== 'create' || info.name === '') return 'can only create tokens for individual service accounts';
    return info.subresource === 'token' ? related(q, isUsed) : 'can only create token subresource of serviceaccount';
  },
});

/** What a node does to what has its name: which that is, a create does not say before admission (NodeRestriction). */
const ownVerbs = ['get', 'create', 'delete', ...changing];

function decideLeases({ verb, info, nodeName }: Question): Verdict {
  if (!ownVerbs.includes(verb)) return 'can only get, create, update, patch, or delete a node lease';
  if (info.namespace !== 'kube-node-lease') {
    return 'can only access leases in the "kube-node-lease" system namespace';
  }
  const isOwn = verb === 'create' || info.name === nodeName;
  return isOwn || 'can only access node lease with the same name as the requesting node';
}

function related(question: Question, isRelated: (question: Question) => boolean): Verdict {
  if (question.info.name === '') return 'No Object name found';
  return isRelated(question) || `no relationship found between node '${question.nodeName}' and this object`;
}

function readNamespaced(question: Question, isRelated: (question: Question) => boolean): Verdict {
  const { verb, info } = question;
  if (!reading.includes(verb)) return 'can only read resources of this type';
  if (info.subresource !== '') return 'cannot read subresource';
  if (info.namespace === '') return 'can only read namespaced object of this type';
  return related(question, isRelated);
}

/** Upstream's agents only get; these may also watch the one. */
function readOne(question: Question, isRelated: (question: Question) => boolean): Verdict {
  const { verb, info } = question;
  if (!reading.includes(verb) || info.name === '') return 'can only get individual resources of this type';
  return info.subresource === '' ? related(question, isRelated) : 'cannot get subresource';
}

/** Which node it is that is changed is for admission (NodeRestriction) to see. */
function decideNodes({ verb, info }: Question): boolean {
  if (info.subresource === 'status') return changing.includes(verb);
  return info.subresource === '' && ['create', ...reading, ...changing].includes(verb);
}

/** All pods are an agent's business only while there are policies: those name the pods of other nodes by their labels. */
function decidePods(question: Question): Verdict {
  const { verb, info, nodeName, selectedNode, view } = question;
  // Which pods they make, end and tell of is for admission (NodeRestriction) to see.
  if (info.subresource === 'status') return changing.includes(verb) || '';
  if (info.subresource === 'eviction') return verb === 'create' || '';
  if (info.subresource !== '') return '';
  switch (verb) {
    case 'create':
    case 'delete':
      return true;
    case 'get':
      return related(question, isPodHere);
    case 'list':
    case 'watch':
      if (selectedNode === nodeName || view.list(networkPolicies).length > 0) return true;
      if (info.name !== '') return related(question, isPodHere);
      return 'can only list/watch pods with spec.nodeName field selector';
    default:
      return '';
  }
}

/** Of a pod that is gone a kubelet may hear that it is gone. */
function isPodHere({ info, nodeName, view }: Question): boolean {
  const pod = view.get<PodObject>(pods, info.namespace, info.name);
  return pod === undefined || nodeOf(pod) === nodeName;
}

function isAttachedHere({ info, nodeName, view }: Question): boolean {
  return view.get<Readonly<VolumeAttachment & KubeObject>>(attachments, '', info.name)?.spec.nodeName === nodeName;
}

/** By a pod of the node, or by a volume that one uses. */
function isSecretUsed(question: Question): boolean {
  const { info, view } = question;
  if (isUsedBy(question, ({ spec }) => secretsOf(spec))) return true;
  return view
    .list<VolumeObject>(volumes)
    .some((volume) => isSecretOfVolume(volume, info) && isVolumeUsedBy(question, volume));
}

/** Whether a pod of the node uses the claim that a volume is bound to. */
function isVolumeUsed(question: Question): boolean {
  const volume = question.view.get<VolumeObject>(volumes, '', question.info.name);
  return volume !== undefined && isVolumeUsedBy(question, volume);
}

function isVolumeUsedBy(question: Question, { spec }: VolumeObject): boolean {
  const { name, namespace } = spec?.claimRef ?? {};
  if (!name || !namespace) return false;
  return isUsedBy({ ...question, info: { ...question.info, name, namespace } }, claimsOf);
}

/** Whether a pod of the node refers to the object by name. */
function isUsedBy({ info, nodeName, view }: Question, refers: (pod: PodObject) => readonly string[]): boolean {
  return view
    .list<PodObject>(pods, info.namespace)
    .some((pod) => nodeOf(pod) === nodeName && referred(pod, refers).includes(info.name));
}

/** One that somebody spoilt in storage is on no node, or refers to nothing; the others do. */
function nodeOf({ spec }: Partial<PodObject>): string | undefined {
  return spec?.nodeName;
}

function referred(pod: PodObject, refers: (pod: PodObject) => readonly string[]): readonly string[] {
  try {
    return refers(pod);
  } catch {
    return [];
  }
}
