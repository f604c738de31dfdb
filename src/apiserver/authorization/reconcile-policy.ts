// Brings the stored bootstrap policy up to date at start, as upstream does (k8s.io/component-helpers/auth/rbac/reconciliation):
// what is missing is made or added, what someone added stays, labels also as they changed them, and what carries
// `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
import type { ClusterRole, Role, RoleBinding, Subject } from '../../api/rbac/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import type { Transport } from '../../client/types.ts';
import type { ObjectView } from '../object-view.ts';
import { ownWrite } from '../own-write.ts';
import {
  bootstrapClusterRoleBindings,
  bootstrapClusterRoles,
  bootstrapRoleBindings,
  bootstrapRoles,
} from './bootstrap-policy.ts';
import { uncovered } from './covers.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

type AnyRole = KubeObject & Pick<Role, 'rules'> & Pick<ClusterRole, 'aggregationRule'>;
type AnyBinding = KubeObject & Pick<RoleBinding, 'roleRef' | 'subjects'>;

function withMetadata<T extends KubeObject>(present: Readonly<T>, expected: T): T {
  const labels = { ...expected.metadata.labels, ...present.metadata.labels };
  const annotations = { ...expected.metadata.annotations, ...present.metadata.annotations };
  return { ...present, metadata: { ...present.metadata, labels, annotations } };
}

/** The role with what it lacks; undefined where it lacks nothing. */
export function reconciledRole(present: Readonly<AnyRole>, expected: AnyRole): AnyRole | undefined {
  if (present.metadata.annotations?.[autoUpdate] === 'false') return undefined;
  const role = withMetadata(present, expected);
  const selectors = present.aggregationRule?.clusterRoleSelectors ?? [];
  const wanted = expected.aggregationRule?.clusterRoleSelectors ?? [];
  const missing = wanted.filter((one) => !selectors.some((other) => jsonEqual(one, other)));
  if (missing.length > 0) role.aggregationRule = { clusterRoleSelectors: [...selectors, ...missing] };
  if (!expected.aggregationRule) delete role.aggregationRule;
  // The rules of a role that gathers others' are its controller's.
  if (!expected.aggregationRule) {
    const lacking = uncovered(present.rules ?? [], expected.rules ?? []);
    if (lacking.length > 0) role.rules = [...(present.rules ?? []), ...lacking];
  }
  return jsonEqual(role, present) ? undefined : role;
}

function isSame(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
}

/** The same for bindings; `expected` itself where the binding is to another role: that cannot be changed, it is made anew. */
export function reconciledBinding(present: Readonly<AnyBinding>, expected: AnyBinding): AnyBinding | undefined {
  if (present.metadata.annotations?.[autoUpdate] === 'false') return undefined;
  if (!jsonEqual(present.roleRef, expected.roleRef)) return expected;
  const binding = withMetadata(present, expected);
  const subjects = present.subjects ?? [];
  const missing = (expected.subjects ?? []).filter((one) => !subjects.some((other) => isSame(one, other)));
  if (missing.length > 0) binding.subjects = [...subjects, ...missing];
  return jsonEqual(binding, present) ? undefined : binding;
}

export interface PolicyAccess {
  readonly view: ObjectView;
  readonly create: (resource: GroupVersionResource, object: KubeObject) => Promise<void>;
  /** For what is there, and is corrected. */
  readonly transport: Transport;
}

/** Makes and corrects the bootstrap policy. */
export async function ensureBootstrapPolicy({ view, create, transport }: PolicyAccess): Promise<void> {
  const ensure = async <T extends KubeObject>(
    resource: string,
    objects: readonly T[],
    reconcile: (present: Readonly<T>, expected: T) => T | undefined,
  ) => {
    await Promise.all(
      objects.map(async (object) => {
        const { name, namespace = '' } = object.metadata;
        const kind = { group: apiGroup, version: 'v1', resource };
        const present = view.get<T>({ group: apiGroup, resource }, namespace, name);
        if (!present) return create(kind, object);
        const changed = reconcile(present, object);
        if (!changed) return;
        const folder = namespace === '' ? resource : `namespaces/${namespace}/${resource}`;
        const path = `/apis/${apiGroup}/v1/${folder}/${name}`;
        if (changed !== object) return ownWrite(transport, { method: 'PUT', path, body: changed, tolerated: [409] });
        const body = { preconditions: { uid: present.metadata.uid } };
        await ownWrite(transport, { method: 'DELETE', path, body });
        return create(kind, object);
      }),
    );
  };
  await Promise.all([
    ensure('clusterroles', bootstrapClusterRoles as readonly AnyRole[], reconciledRole),
    ensure('clusterrolebindings', bootstrapClusterRoleBindings as readonly AnyBinding[], reconciledBinding),
    ensure('roles', bootstrapRoles as readonly AnyRole[], reconciledRole),
    ensure('rolebindings', bootstrapRoleBindings as readonly AnyBinding[], reconciledBinding),
  ]);
}
