// What an agent may write beyond what the authorizer can see: it changes only its own Node, and of that no taints and no
// labels that steer pods; its own Lease and CSINode; mirror pods and the status of pods that run on it; tokens for those
// pods. Rules and messages are upstream's (plugin/pkg/admission/noderestriction).

import type { TokenRequest } from '../../api/authentication/v1/types.generated.ts';
import type { Node, PersistentVolumeClaim, Pod, PodSpec } from '../../api/core/v1/types.generated.ts';
import { announcedByAnnotation } from '../../api/portico/v1/load-balancer-pool.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { deepEqual } from '../../apimachinery/json/value.ts';
import { type KubeObject, printResource } from '../../apimachinery/object.ts';
import { notFound } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import { nodeNameOf } from '../authorization/node-rules.ts';
import { configMapsOf, secretsOf } from '../authorization/pod-references.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './admission.ts';
import { refusalOf } from './refusal.ts';

type PodObject = Pod & KubeObject;

interface Asked {
  readonly request: AdmissionRequest;
  readonly view: AdmissionView;
  readonly nodeName: string;
}

/** Throws 404; else says why not, or nothing. */
type Rule = (asked: Asked) => string | undefined;

const mirror = 'kubernetes.io/config.mirror';
/** As upstream's informers name it. */
const pod = { group: '', resource: 'pod' };

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  admit(request, view) {
    const { definition, user, operation } = request;
    const nodeName = nodeNameOf({ user });
    if (nodeName === undefined || operation === 'CONNECT') return;
    const rule = rules[printResource(definition)];
    const why = rule?.({ request, view, nodeName });
    if (why !== undefined) throw refusalOf(request, why);
  },
};

const rules = table<Rule>({
  nodes: restrictNode,
  pods: restrictPod,
  persistentvolumeclaims: restrictClaim,
  serviceaccounts: restrictToken,
  services: restrictService,
  'leases.coordination.k8s.io': restrictLease,
  'csinodes.storage.k8s.io': (asked) =>
    nameOf(asked) === asked.nodeName ? undefined : 'can only access CSINode with the same name as the requesting node',
});

function nameOf({ request }: Asked): string {
  return request.name || request.object?.metadata.name || '';
}

function restrictLease(asked: Asked): string | undefined {
  if (asked.request.namespace !== 'kube-node-lease') {
    return 'can only access leases in the "kube-node-lease" system namespace';
  }
  if (nameOf(asked) === asked.nodeName) return undefined;
  return 'can only access node lease with the same name as the requesting node';
}

function restrictNode(asked: Asked): string | undefined {
  const { request, nodeName } = asked;
  const name = nameOf(asked);
  if (name !== nodeName) return `node ${quoted(nodeName)} is not allowed to modify node ${quoted(name)}`;
  const node = request.object as (Node & KubeObject) | undefined;
  const old = request.old as Readonly<Node & KubeObject> | undefined;
  if (!node) return undefined;
  const configured = (one: Node | undefined) => (one?.spec as { configSource?: unknown } | undefined)?.configSource;
  if (request.operation === 'CREATE') {
    if (configured(node)) return `node ${quoted(nodeName)} is not allowed to create pods with a non-nil configSource`;
    const labels = forbiddenLabels(node.metadata.labels, {});
    if (labels.length === 0) return undefined;
    return `node ${quoted(nodeName)} is not allowed to set the following labels: ${labels.join(', ')}`;
  }
  if (configured(node) && !deepEqual(configured(node), configured(old))) {
    return `node ${quoted(nodeName)} is not allowed to update configSource to a new non-nil configSource`;
  }
  if (!deepEqual(node.spec?.taints, old?.spec?.taints)) {
    return `node ${quoted(nodeName)} is not allowed to modify taints`;
  }
  const labels = forbiddenLabels(node.metadata.labels, old?.metadata.labels);
  return labels.length === 0 ? undefined : `is not allowed to modify labels: ${labels.join(', ')}`;
}

/** Of the labels of Kubernetes' own namespaces those that a kubelet sets. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);

function isOf(namespace: string, domain: string): boolean {
  return namespace === domain || namespace.endsWith(`.${domain}`);
}

function isForbiddenLabel(key: string): boolean {
  const slash = key.indexOf('/');
  const namespace = slash < 0 ? '' : key.slice(0, slash);
  if (isOf(namespace, 'node-restriction.kubernetes.io')) return true;
  if (!isOf(namespace, 'kubernetes.io') && !isOf(namespace, 'k8s.io')) return false;
  const isKubelets = isOf(namespace, 'kubelet.kubernetes.io') || isOf(namespace, 'node.kubernetes.io');
  return !isKubelets && !kubeletLabels.has(key);
}

type Labels = Readonly<Record<string, string>>;

function forbiddenLabels(labels: Labels = {}, old: Labels = {}): string[] {
  const changed = Object.keys({ ...labels, ...old }).filter((key) => labels[key] !== old[key]);
  return changed.filter(isForbiddenLabel).sort();
}

function restrictPod(asked: Asked): string | undefined {
  const { request, nodeName } = asked;
  const { operation, subresource } = request;
  const node = quoted(nodeName);
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return restrictMirrorPod(asked);
      if (operation === 'DELETE') {
        const isOurs = (request.old as PodObject | undefined)?.spec?.nodeName === nodeName;
        return isOurs ? undefined : `node ${node} can only delete pods with spec.nodeName set to itself`;
      }
      return `unexpected operation ${quoted(operation)}, node ${node} can only create and delete mirror pods`;
    case 'status':
      return operation === 'UPDATE' ? restrictStatus(asked) : `unexpected operation ${quoted(operation)}`;
    case 'eviction': {
      const pod = findPod(asked, request.name);
      if (pod.spec?.nodeName === nodeName) return undefined;
      return `node ${nodeName} can only evict pods with spec.nodeName set to itself`;
    }
    default:
      return `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`;
  }
}

function findPod({ request, view }: Asked, name: string): Readonly<PodObject> {
  const found = view.find<PodObject>('pods', { namespace: request.namespace, name });
  if (!found) throw notFound(pod, name);
  return found;
}

function restrictStatus({ request, nodeName }: Asked): string | undefined {
  const pod = request.object as PodObject;
  const old = request.old as Readonly<PodObject>;
  const node = quoted(nodeName);
  if (old.spec?.nodeName !== nodeName) {
    return `node ${node} can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (!deepEqual(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) {
    return `node ${node} cannot update labels through pod status`;
  }
  if (!deepEqual(pod.status?.resourceClaimStatuses, old.status?.resourceClaimStatuses)) {
    return `node ${node} cannot update resource claim statues`;
  }
  return undefined;
}

function restrictMirrorPod({ request, view, nodeName }: Asked): string | undefined {
  const pod = request.object as PodObject;
  const node = quoted(nodeName);
  const owners = pod.metadata.ownerReferences ?? [];
  const [owner] = owners;
  if (pod.metadata.annotations?.[mirror] === undefined) {
    return `pod does not have ${quoted(mirror)} annotation, node ${node} can only create mirror pods`;
  }
  if (pod.spec?.nodeName !== nodeName) return `node ${node} can only create pods with spec.nodeName set to itself`;
  if (owners.length > 1) return `node ${node} can only create pods with a single owner reference set to itself`;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName) {
    return `node ${node} can only create pods with an owner reference set to itself`;
  }
  if (!owner.controller) return `node ${node} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion) return `node ${node} must not set blockOwnerDeletion on an owner reference`;
  const itself = view.find<Node & KubeObject>('nodes', { name: nodeName });
  if (!itself) throw notFound({ group: '', resource: 'nodes' }, nodeName);
  if (owner.uid !== itself.metadata.uid) {
    return `node ${nodeName} UID mismatch: expected ${owner.uid} got ${itself.metadata.uid}`;
  }
  const referred = referredKind(pod.spec);
  return referred && `node ${node} can not create pods that reference ${referred}`;
}

/** A mirror pod comes from a file on its node, and must not be a way to read what is in the API. */
function referredKind(spec: PodSpec): string | undefined {
  const volumes = spec.volumes ?? [];
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? []);
  if (spec.serviceAccountName) return 'a service account';
  if (secretsOf(spec).length > 0) return 'secrets';
  if (configMapsOf(spec).length > 0) return 'configmaps';
  if (sources.some(({ clusterTrustBundle }) => clusterTrustBundle)) return 'clustertrustbundles';
  return volumes.some((volume) => volume.persistentVolumeClaim) ? 'persistentvolumeclaims' : undefined;
}

function restrictClaim({ request, nodeName }: Asked): string | undefined {
  if (request.subresource !== 'status') return 'may only update PVC status';
  if (request.operation !== 'UPDATE') return `unexpected operation ${quoted(request.operation)}`;
  if (deepEqual(beyondStatus(request.object), beyondStatus(request.old))) return undefined;
  return `node ${quoted(nodeName)} is not allowed to update fields other than status.capacity and status.conditions`;
}

function beyondStatus(object: Readonly<KubeObject> | undefined): unknown {
  const { metadata, status = {}, ...rest } = object as Readonly<PersistentVolumeClaim & KubeObject>;
  const { resourceVersion: _version, managedFields: _fields, ...meta } = metadata;
  const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...others } = status;
  return { ...rest, meta, others };
}

/** Portico's own: a node says that it answers for a load balancer's addresses, and changes nothing else. */
function restrictService({ request, nodeName }: Asked): string | undefined {
  if (request.operation !== 'UPDATE' || request.subresource !== 'status') return 'may only update Service status';
  const named = request.object?.metadata.annotations?.[announcedByAnnotation];
  if (named === nodeName && deepEqual(beyondAnnouncer(request.object), beyondAnnouncer(request.old))) return undefined;
  return `node ${quoted(nodeName)} may only say by ${announcedByAnnotation} that it announces the Service itself`;
}

function beyondAnnouncer(object: Readonly<KubeObject> | undefined): unknown {
  const { metadata, ...rest } = object as Readonly<KubeObject>;
  const { resourceVersion: _version, managedFields: _fields, annotations, ...meta } = metadata;
  const { [announcedByAnnotation]: _node, ...others } = annotations ?? {};
  return { ...rest, meta, others };
}

function restrictToken(asked: Asked): string | undefined {
  const { request, nodeName } = asked;
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return undefined;
  const { spec } = request.object as unknown as TokenRequest;
  const bound = spec?.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) {
    return 'node requested token not bound to a pod';
  }
  if (!bound.uid) return 'node requested token with a pod binding without a uid';
  const pod = findPod(asked, bound.name);
  if (bound.uid !== pod.metadata.uid) {
    return `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  }
  if (pod.spec?.nodeName !== nodeName) return 'node requested token bound to a pod scheduled on a different node';
  return restrictAudience(pod, spec.audiences ?? []);
}

/** KEP-4935: a node asks only for the audiences that its pods mount. */
function restrictAudience({ spec }: Readonly<PodObject>, audiences: readonly string[]): string | undefined {
  if (audiences.length > 1) return 'node may only request 0 or 1 audiences';
  const [audience = ''] = audiences;
  const sources = (spec?.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  const isMounted = sources.some(({ serviceAccountToken: token }) => token && (token.audience ?? '') === audience);
  if (isMounted) return undefined;
  return `audience ${quoted(audience)} not found in pod spec volume`;
}
