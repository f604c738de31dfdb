// All plugins in the order in which they run, which is upstream's (kubeapiserver/options AllOrderedPlugins). The last four
// places are: MutatingAdmissionPolicy, MutatingAdmissionWebhook, ValidatingAdmissionPolicy, ValidatingAdmissionWebhook; then
// ResourceQuota, so that nothing is counted that something else refuses.
import type { AdmissionPlugin } from './admission.ts';
import { certificateRequestor } from './certificate-requestor.ts';
import { certificateTimes } from './certificate-times.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { persistentVolumeClaimResize } from './claim-resize.ts';
import { defaultIngressClass, defaultStorageClass } from './default-classes.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { denyServiceExternalIPs } from './deny-external-ips.ts';
import { deviceAdminAccess } from './device-admin-access.ts';
import { expressionCheck } from './expression-check.ts';
import { limitRanger } from './limit-ranger/limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import type { PodSecurityConfiguration } from './pod-security/configuration.ts';
import { podSecurity } from './pod-security/pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { mutatingPolicies } from './policies/mutating.ts';
import { validatingPolicies } from './policies/validating.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { runtimeClass } from './runtime-class.ts';
import { type ConfigMapKey, serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-protection.ts';
import { taintNodesByCondition } from './taint-new-nodes.ts';
import { mutatingWebhooks } from './webhooks/mutating.ts';
import { validatingWebhooks } from './webhooks/validating.ts';

const certificateRequests = ['certificatesigningrequests.certificates.k8s.io'];
const rolesAndBindings = ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].map(
  (resource) => `${resource}.rbac.authorization.k8s.io`,
);

const admissionPlugins: readonly AdmissionPlugin[] = [
  { name: 'NamespaceLifecycle', admit: namespaceLifecycle },
  limitRanger,
  serviceAccount(),
  nodeRestriction,
  taintNodesByCondition,
  podSecurity(),
  priority,
  { name: 'DefaultTolerationSeconds', resources: ['pods'], admit: defaultTolerations },
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  // OwnerReferencesPermissionEnforcement
  runtimeClass,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  defaultIngressClass,
  podTopologyLabels,
  denyServiceExternalIPs,
  { name: 'CertificateRequestor', resources: certificateRequests, admit: certificateRequestor },
  { name: 'CertificateTimes', resources: certificateRequests, admit: certificateTimes },
  { name: 'RBACEscalation', resources: rolesAndBindings, admit: rbacEscalation },
  deviceAdminAccess,
  expressionCheck,
  mutatingPolicies,
  mutatingWebhooks,
  validatingPolicies,
  validatingWebhooks,
];

/** Rules of the API itself, which upstream has in its strategies and in RBAC: no flag knows them. */
const alwaysOn: ReadonlySet<string> = new Set([
  'CertificateRequestor',
  'CertificateTimes',
  'RBACEscalation',
  deviceAdminAccess.name,
  expressionCheck.name,
]);

/** Plugins that run only where `--enable-admission-plugins` names them. */
const offByDefault: ReadonlySet<string> = new Set([denyServiceExternalIPs.name]);

/** A name in `--enable-admission-plugins` or `--disable-admission-plugins` that is none. */
export class UnknownPluginError extends Error {
  override readonly name = 'UnknownPluginError';
}

export interface PluginSelection {
  readonly enabled: readonly string[];
  readonly disabled: readonly string[];
  /** Further ConfigMaps that every service account volume projects. */
  readonly serviceAccountVolumeConfigMaps?: readonly ConfigMapKey[];
  /** Default: nothing is asked of pods where no namespace says so. */
  readonly podSecurity?: PodSecurityConfiguration;
}

/** As kube-apiserver's two flags: what is disabled is off, also where it is enabled. Throws an UnknownPluginError. */
export function selectPlugins(selection: PluginSelection): readonly AdmissionPlugin[] {
  const { enabled, disabled, serviceAccountVolumeConfigMaps = [] } = selection;
  const names = new Set([...admissionPlugins.map(({ name }) => name), 'ResourceQuota'].filter((n) => !alwaysOn.has(n)));
  for (const name of [...enabled, ...disabled]) {
    if (!names.has(name)) {
      throw new UnknownPluginError(`"${name}" is no admission plugin; there are ${[...names].sort().join(', ')}`);
    }
  }
  return admissionPlugins
    .filter(({ name }) => !disabled.includes(name) && (enabled.includes(name) || !offByDefault.has(name)))
    .map((plugin) => {
      if (plugin.name === 'ServiceAccount') return serviceAccount(serviceAccountVolumeConfigMaps);
      return plugin.name === 'PodSecurity' ? podSecurity(selection.podSecurity) : plugin;
    });
}
