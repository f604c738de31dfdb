// What the API server refuses in a PersistentVolume, and in the spec of one that a VolumeAttachment carries inline.
import { sortedKeys } from '../../../../apimachinery/json/go-text.ts';
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { table } from '../../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { validateNoBacksteps } from '../../../validation/paths.ts';
import { validateBasicQuantity, validatePositiveQuantity } from '../../../validation/quantities.ts';
import { validateOptionalName, validateSecretReference } from '../../../validation/references.ts';
import { validateNodeSelector } from '../../../validation/selectors.ts';
import { immutable, optionalOneOf, requiredText } from '../../../validation/values.ts';
import { validateAccessModes, volumeModes } from '../persistentvolumeclaim/spec.ts';
import { internalDiff, internalForm } from '../pod/internal-form.ts';
import type {
  AzureFilePersistentVolumeSource,
  CSIPersistentVolumeSource,
  GlusterfsPersistentVolumeSource,
  LocalVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
  VolumeNodeAffinity,
} from '../types.generated.ts';
import { validateCSIDriverName, validateVolumeSource } from '../volume-sources.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

const order = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
];
const own = {
  azureFile: validateAzureFile,
  csi: validateCSI,
  glusterfs: validateGlusterfs,
};
const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

export function validatePersistentVolume({ metadata, spec }: PersistentVolume): FieldError[] {
  return [
    ...(spec.accessModes?.length ? [] : [required('spec.accessModes')]),
    ...validateAccessModes(spec.accessModes ?? [], 'spec.accessModes'),
    ...validateCapacity(spec.capacity, 'spec.capacity'),
    ...optionalOneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, reclaimPolicies),
    ...validateNodeAffinity(spec, 'spec.nodeAffinity'),
    ...validateSource(spec, 'spec', metadata.name),
    ...validateOptionalName('spec.storageClassName', spec.storageClassName),
    ...optionalOneOf('spec.volumeMode', spec.volumeMode, volumeModes),
    ...validateAttributesClass(spec, 'spec'),
  ];
}

function validateCapacity(capacity: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = Object.keys(capacity ?? {});
  if (names.length === 0) errors.push(required(path));
  if (capacity?.storage === undefined || names.length > 1) {
    errors.push(notSupported(path, sortedKeys(capacity), ['storage']));
  }
  for (const [name, amount] of Object.entries(capacity ?? {})) {
    const at = `${path}[${name}]`;
    errors.push(...validateBasicQuantity(at, amount), ...validatePositiveQuantity(at, amount));
  }
  return errors;
}

function validateNodeAffinity({ nodeAffinity }: PersistentVolumeSpec, path: string): FieldError[] {
  if (!nodeAffinity) return [];
  if (nodeAffinity.required) return validateNodeSelector(nodeAffinity.required, `${path}.required`);
  return [required(`${path}.required`, 'must specify required node constraints')];
}

function validateSource(spec: PersistentVolumeSpec, path: string, name: string): FieldError[] {
  const context = { persistent: true, volumeName: name };
  const local = (source: LocalVolumeSource, at: string): FieldError[] => [
    ...validateLocal(source, at),
    ...(spec.nodeAffinity ? [] : [required(`${path}.nodeAffinity`, 'Local volume requires node affinity')]),
  ];
  const errors = validateVolumeSource(spec, path, { order, own: { ...own, local }, context });
  if (isRoot(spec.hostPath?.path ?? '') && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    const why = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, why));
  }
  return errors;
}

/** Whether a path, made as short as it can be, is `/`. */
function isRoot(path: string): boolean {
  const rest: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') rest.pop();
    else if (part !== '' && part !== '.') rest.push(part);
  }
  return path.startsWith('/') && rest.length === 0;
}

function validateAttributesClass(
  { volumeAttributesClassName: name, csi }: PersistentVolumeSpec,
  path: string,
): FieldError[] {
  if (name === undefined) return [];
  const at = `${path}.volumeAttributesClassName`;
  const errors = name === '' ? [required(at, 'an empty string is disallowed')] : validateOptionalName(at, name);
  if (csi) return errors;
  return [...errors, required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName')];
}

function validateCSI(source: CSIPersistentVolumeSource, path: string): FieldError[] {
  const references = [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ] as const;
  return [
    ...validateCSIDriverName(`${path}.driver`, source.driver),
    ...requiredText(`${path}.volumeHandle`, source.volumeHandle),
    ...references.flatMap((name) => {
      const reference = source[name];
      return reference ? validateSecretReference(`${path}.${name}`, reference) : [];
    }),
  ];
}

function validateGlusterfs(source: GlusterfsPersistentVolumeSource, path: string): FieldError[] {
  const { endpointsNamespace: namespace } = source;
  const errors = [...requiredText(`${path}.endpoints`, source.endpoints), ...requiredText(`${path}.path`, source.path)];
  if (namespace === undefined) return errors;
  const at = `${path}.endpointsNamespace`;
  const why = 'if the endpointnamespace is set, it must be a valid namespace name';
  return [...errors, ...(namespace === '' ? [invalid(at, namespace, why)] : nameErrors(dns1123Label, at, namespace))];
}

function validateAzureFile(source: AzureFilePersistentVolumeSource, path: string): FieldError[] {
  const { secretNamespace } = source;
  return [
    ...requiredText(`${path}.secretName`, source.secretName),
    ...requiredText(`${path}.shareName`, source.shareName),
    ...(secretNamespace == null ? [] : requiredText(`${path}.secretNamespace`, secretNamespace)),
  ];
}

function validateLocal({ path: folder }: LocalVolumeSource, path: string): FieldError[] {
  return folder ? validateNoBacksteps(`${path}.path`, folder) : [required(`${path}.path`)];
}

/** Labels of nodes that were renamed may follow. */
const renamedLabels = table<string>({
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
});

/** The storage behind a volume stays; who may use it, and how, may change. */
export function validatePersistentVolumeUpdate(object: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validatePersistentVolume(object);
  const { spec } = object;
  const source = (of: PersistentVolumeSpec): Record<string, unknown> => {
    const form = internalForm('PersistentVolumeSource', of);
    const csi = form.CSI as Record<string, unknown> | null;
    // The one Secret that may come later: expansion is asked for later.
    if (csi && !old.spec.csi?.controllerExpandSecretRef) form.CSI = { ...csi, ControllerExpandSecretRef: null };
    return form;
  };
  const [now, before] = [source(spec), source(old.spec)];
  if (!deepEqual(now, before)) {
    const why = `spec.persistentvolumesource is immutable after creation\n${internalDiff(before, now)}`;
    errors.push(forbidden('spec.persistentvolumesource', why));
  }
  errors.push(...immutable('volumeMode', spec.volumeMode, old.spec.volumeMode));
  if (old.spec.nodeAffinity && !isSameAffinity(spec.nodeAffinity, old.spec.nodeAffinity)) {
    const why = 'field is immutable, except for updating from beta label to GA';
    errors.push(invalid('nodeAffinity', printedAffinity(spec), why));
  }
  if (old.spec.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

function printedAffinity({ nodeAffinity }: PersistentVolumeSpec): unknown {
  return nodeAffinity ? { Required: internalForm('NodeSelector', nodeAffinity.required) } : null;
}

/** A label may take its new name, but not go back to the old one. */
function isSameAffinity(now: PersistentVolumeSpec['nodeAffinity'], old: VolumeNodeAffinity): boolean {
  const terms = (affinity: PersistentVolumeSpec['nodeAffinity']) => affinity?.required?.nodeSelectorTerms ?? [];
  const followed = terms(old).map((term, i) => ({
    ...term,
    ...(term.matchExpressions && {
      matchExpressions: term.matchExpressions.map((expression, j) => {
        const key = terms(now)[i]?.matchExpressions?.[j]?.key;
        return key !== undefined && renamedLabels[expression.key] === key ? { ...expression, key } : expression;
      }),
    }),
  }));
  return deepEqual(terms(now), followed);
}

/** The volume of a driver that was moved out of the tree, as a VolumeAttachment carries it: of the source only CSI. */
export function validateInlineVolume(spec: PersistentVolumeSpec, path: string): FieldError[] {
  const inline = 'in the context of inline volumes';
  const unwanted = ['claimRef', 'capacity', 'nodeAffinity', 'storageClassName'] as const;
  const errors: FieldError[] = unwanted
    .filter((field) => spec[field] !== undefined)
    .map((field) => forbidden(`${path}.${field}`, `may not be specified ${inline}`));
  if (!spec.csi) errors.push(required(`${path}.csi`, `has to be specified ${inline}`));
  if (!spec.accessModes?.length) errors.push(required(`${path}.accessModes`));
  errors.push(...validateAccessModes(spec.accessModes ?? [], `${path}.accessModes`));
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy !== undefined && policy !== 'Retain') {
    errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, `may only be Retain ${inline}`));
  }
  if (spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem') {
    errors.push(forbidden(`${path}.volumeMode`, `may not specify volumeMode other than Filesystem ${inline}`));
  }
  return [...errors, ...validateSource(spec, path, '')];
}
