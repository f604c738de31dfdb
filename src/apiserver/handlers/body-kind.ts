// What a body says that it is, and why it is not what is wanted, in the words of kube-apiserver's codecs.
import { builtinResources } from '../../api/registry.ts';
import { quoted } from '../../apimachinery/json/go-text.ts';
import { apiVersionOf, type GroupVersionKind, parseApiVersion } from '../../apimachinery/object.ts';
import { table } from '../../apimachinery/table.ts';

export interface OtherKind {
  readonly kind: string;
  readonly version: string;
  readonly why: string;
  /** It is of the kind that is wanted, in another version: its type could be made of it, but the path asks for one. */
  readonly isOfOtherVersion: boolean;
}

/** What a value says that it is, and why it is not what is expected; undefined: it is, or does not say. */
export function otherKind(value: unknown, expected: GroupVersionKind): OtherKind | undefined {
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  const named = typeof kind === 'string' && kind !== '' ? kind : expected.kind;
  const wanted = apiVersionOf(expected);
  const said = typeof apiVersion === 'string' && apiVersion !== '' ? apiVersion : wanted;
  if (named === expected.kind && said === wanted) return undefined;
  const version = said.slice(said.indexOf('/') + 1);
  const other = { kind: named, version };
  if (!isRegistered(named, said)) {
    const why = `no kind ${quoted(named)} is registered for version ${quoted(said)} in scheme ${quoted(scheme)}`;
    return { ...other, why, isOfOtherVersion: false };
  }
  const home = homeOf(expected.group, expected.kind);
  if (named === expected.kind && homeOf(parseApiVersion(said).group, named) === home) {
    const why = `the API version in the data (${said}) does not match the expected API version (${wanted})`;
    return { ...other, why, isOfOtherVersion: true };
  }
  const why = `converting (${version}.${named}) to (${home}.${expected.kind}): unknown conversion`;
  return { ...other, why, isOfOtherVersion: false };
}

/** Where upstream has its kinds registered: a part of the message. */
const scheme = 'pkg/api/legacyscheme/scheme.go:30';

/** Versions that upstream reads and does not serve any more. */
const formerVersions = table<string>({
  'extensions/v1beta1': 'DaemonSet Deployment Ingress NetworkPolicy ReplicaSet Scale',
  'apps/v1beta1': 'ControllerRevision Deployment Scale StatefulSet',
  'apps/v1beta2': 'ControllerRevision DaemonSet Deployment ReplicaSet Scale StatefulSet',
  'batch/v1beta1': 'CronJob',
  'policy/v1beta1': 'Eviction PodDisruptionBudget',
  'networking.k8s.io/v1beta1': 'IPAddress Ingress IngressClass ServiceCIDR',
  'discovery.k8s.io/v1beta1': 'EndpointSlice',
  'events.k8s.io/v1beta1': 'Event',
  'coordination.k8s.io/v1beta1': 'Lease',
  'node.k8s.io/v1beta1': 'RuntimeClass',
  'scheduling.k8s.io/v1beta1': 'PriorityClass',
  'rbac.authorization.k8s.io/v1beta1': 'ClusterRole ClusterRoleBinding Role RoleBinding',
  'storage.k8s.io/v1beta1': 'CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass',
});

/** Kinds that every version has, or core/v1 beside those of its resources. */
const commonKinds = new Set([
  'CreateOptions',
  'DeleteOptions',
  'GetOptions',
  'ListOptions',
  'PatchOptions',
  'UpdateOptions',
]);
const plainKinds = new Set([
  'List',
  'PodExecOptions',
  'PodLogOptions',
  'RangeAllocation',
  'SerializedReference',
  'Status',
]);

let registered: ReadonlySet<string> | undefined;

function isRegistered(kind: string, apiVersion: string): boolean {
  registered ??= new Set(registrations());
  const isVersion = registered.has(apiVersion);
  return (
    registered.has(`${apiVersion} ${kind}`) ||
    (isVersion && commonKinds.has(kind)) ||
    (apiVersion === 'v1' && plainKinds.has(kind))
  );
}

/** `apps/v1`, and `apps/v1 Deployment`. */
function* registrations(): Generator<string> {
  for (const definition of builtinResources()) {
    for (const { kind, kindGroupVersion, group, version } of [definition, ...definition.subresources]) {
      const apiVersion = apiVersionOf(kindGroupVersion ?? { group, version });
      yield* [apiVersion, `${apiVersion} ${kind}`, `${apiVersion} ${kind}List`];
    }
  }
  for (const [apiVersion, kinds] of Object.entries(formerVersions)) {
    yield apiVersion;
    for (const kind of kinds.split(' ')) yield* [`${apiVersion} ${kind}`, `${apiVersion} ${kind}List`];
  }
}

/** The package of the type that every version of a kind becomes, as Go prints it: `core`, `apps`, `networking`. */
function homeOf(group: string, kind: string): string {
  if (group === '' || group === 'events.k8s.io') return 'core';
  if (group === 'extensions') return ['Ingress', 'NetworkPolicy'].includes(kind) ? 'networking' : 'apps';
  return group.split('.')[0]!;
}
