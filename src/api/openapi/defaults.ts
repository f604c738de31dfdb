// What a field is where it is left out, as OpenAPI 3 documents tell it: clients that merge or compare objects by the schema
// need it (of the protocol of a port, which is part of its key). What Go writes for an absent field, and markers of the types.

import type { Field } from '../../apimachinery/schema/schema.ts';
import { table } from '../../apimachinery/table.ts';
import { builtinSchemas, type Schemas } from '../schema.ts';

/** Where the type says otherwise than Go's encoding. Null: there is none. */
const others = table<string | number | boolean | object | null>({
  'admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.policyName': null,
  'authentication.v1.TokenRequestStatus.token': '',
  'authentication.v1.TokenReviewSpec.token': null,
  'autoscaling.v1.ScaleSpec.replicas': 0,
  'batch.v1.PodFailurePolicyOnPodConditionsPattern.status': '',
  'core.v1.AzureDiskVolumeSource.cachingMode': 'ReadWrite',
  'core.v1.AzureDiskVolumeSource.fsType': 'ext4',
  'core.v1.AzureDiskVolumeSource.kind': 'Shared',
  'core.v1.AzureDiskVolumeSource.readOnly': false,
  'core.v1.ConfigMapEnvSource.name': '',
  'core.v1.ConfigMapKeySelector.name': '',
  'core.v1.ConfigMapProjection.name': '',
  'core.v1.ConfigMapVolumeSource.name': '',
  'core.v1.ContainerRestartRule.action': null,
  'core.v1.ContainerRestartRuleOnExitCodes.operator': null,
  'core.v1.Event.reportingComponent': '',
  'core.v1.Event.reportingInstance': '',
  'core.v1.FileKeySelector.optional': false,
  'core.v1.GRPCAction.service': '',
  'core.v1.ISCSIPersistentVolumeSource.iscsiInterface': 'default',
  'core.v1.ISCSIVolumeSource.iscsiInterface': 'default',
  'core.v1.ImageVolumeStatus.imageRef': null,
  'core.v1.PodCertificateProjection.keyType': null,
  'core.v1.PodCertificateProjection.signerName': null,
  'core.v1.RBDPersistentVolumeSource.keyring': '/etc/ceph/keyring',
  'core.v1.RBDPersistentVolumeSource.pool': 'rbd',
  'core.v1.RBDPersistentVolumeSource.user': 'admin',
  'core.v1.RBDVolumeSource.keyring': '/etc/ceph/keyring',
  'core.v1.RBDVolumeSource.pool': 'rbd',
  'core.v1.RBDVolumeSource.user': 'admin',
  'core.v1.ReplicationControllerSpec.minReadySeconds': 0,
  'core.v1.ReplicationControllerSpec.replicas': 1,
  'core.v1.ScaleIOPersistentVolumeSource.fsType': 'xfs',
  'core.v1.ScaleIOPersistentVolumeSource.storageMode': 'ThinProvisioned',
  'core.v1.ScaleIOVolumeSource.fsType': 'xfs',
  'core.v1.ScaleIOVolumeSource.storageMode': 'ThinProvisioned',
  'core.v1.SecretEnvSource.name': '',
  'core.v1.SecretKeySelector.name': '',
  'core.v1.SecretProjection.name': '',
  'flowcontrol.v1.LimitedPriorityLevelConfiguration.limitResponse': {},
  'networking.v1.ParentReference.name': null,
  'networking.v1.ParentReference.resource': null,
  'rbac.v1.RoleRef.apiGroup': '',
  'resource.v1.DeviceToleration.operator': 'Equal',
});

const zeros = table<string | number | boolean>({ string: '', boolean: false, int32: 0, int64: 0, double: 0 });

/** By the full name of a type and its field: undefined where there is none. */
export type DefaultOf = (type: string, field: string) => unknown;

export function readDefaults(): DefaultOf {
  let schemas: Schemas | undefined;
  return (type, field) => {
    const other = others[`${type.split('.').slice(-3).join('.')}.${field}`];
    if (other !== undefined) return other ?? undefined;
    schemas ??= builtinSchemas();
    const known = schemas.typeSchema(type)?.fields.get(field);
    return known && written(known);
  };
}

function written({ absent, schema, default: given }: Field): unknown {
  if (given !== undefined) return given;
  if (absent === 'object') return {};
  return absent === 'zero' ? zeros[schema.kind] : undefined;
}
