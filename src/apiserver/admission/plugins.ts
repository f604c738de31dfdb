// All plugins in the order in which they run, which is upstream's (kubeapiserver/options AllOrderedPlugins). The last four
// places are: MutatingAdmissionPolicy, MutatingAdmissionWebhook, ValidatingAdmissionPolicy, ValidatingAdmissionWebhook; then
// ResourceQuota, so that nothing is counted that something else refuses.
import type { AdmissionPlugin } from './admission.ts';
import { certificateRequestor } from './certificate-requestor.ts';
import { defaultTolerations } from './default-tolerations.ts';
import { limitRanger } from './limit-ranger/limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { serviceAccount } from './service-account.ts';

export const admissionPlugins: readonly AdmissionPlugin[] = [
  { name: 'NamespaceLifecycle', admit: namespaceLifecycle },
  limitRanger,
  { name: 'ServiceAccount', admit: serviceAccount },
  // NodeRestriction, TaintNodesByCondition, PodSecurity
  { name: 'Priority', admit: priority },
  { name: 'DefaultTolerationSeconds', admit: defaultTolerations },
  // DefaultStorageClass, StorageObjectInUseProtection, OwnerReferencesPermissionEnforcement, RuntimeClass,
  // CertificateApproval, CertificateSigning, CertificateSubjectRestriction, DefaultIngressClass
  { name: 'CertificateRequestor', admit: certificateRequestor },
  { name: 'RBACEscalation', admit: rbacEscalation },
];
