// Where the content of volumes comes from, as far as Pods and PersistentVolumes share it. A PersistentVolume belongs to
// no namespace, so that its sources name Secrets with theirs.
import { table } from '../../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain, rangeMessage } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { validateNoBacksteps } from '../../validation/paths.ts';
import { validateOptionalName, validateRequiredName } from '../../validation/references.ts';
import { optionalOneOf, requiredText } from '../../validation/values.ts';
import type {
  AzureDiskVolumeSource,
  CinderPersistentVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  HostPathVolumeSource,
  ISCSIPersistentVolumeSource,
  NFSVolumeSource,
  PersistentVolumeSpec,
  QuobyteVolumeSource,
  StorageOSPersistentVolumeSource,
  Volume,
} from './types.generated.ts';

const { required, forbidden, invalid, notSupported, tooLong } = fieldError;

/** `persistent`: of a PersistentVolume. `volumeName`: the volume's, or the PersistentVolume's. */
export interface VolumeContext {
  readonly persistent: boolean;
  readonly volumeName: string;
}

type Sources = Omit<Volume, 'name'> & Omit<PersistentVolumeSpec, keyof Volume>;
type Rule<K extends keyof Sources> = (
  source: NonNullable<Sources[K]>,
  path: string,
  context: VolumeContext,
) => FieldError[];

/** Fields of a source that must not be empty. */
const needs =
  (...fields: readonly string[]) =>
  (source: object, path: string): FieldError[] =>
    fields.flatMap((field) => {
      const value = (source as Readonly<Record<string, unknown>>)[field];
      return !value || (Array.isArray(value) && value.length === 0) ? [required(`${path}.${field}`)] : [];
    });

/** By field. Sources without an entry have rules of their own, or none. */
const rules: { readonly [K in keyof Sources]?: Rule<K> } = {
  hostPath: validateHostPath,
  gcePersistentDisk: validatePartition('pdName'),
  awsElasticBlockStore: validatePartition('volumeID'),
  nfs: validateNFS,
  iscsi: (source, path, context) => validateISCSI(source as ISCSIPersistentVolumeSource, path, context),
  glusterfs: needs('endpoints', 'path'),
  rbd: needs('monitors', 'image'),
  quobyte: validateQuobyte,
  flexVolume: (source, path) => validateFlexVolume(source, path),
  cinder: (source, path, context) => validateCinder(source as CinderPersistentVolumeSource, path, context),
  cephfs: needs('monitors'),
  flocker: validateFlocker,
  fc: validateFC,
  azureFile: needs('secretName', 'shareName'),
  azureDisk: validateAzureDisk,
  vsphereVolume: needs('volumePath'),
  photonPersistentDisk: needs('pdID'),
  portworxVolume: needs('volumeID'),
  scaleIO: needs('gateway', 'system', 'volumeName'),
  storageos: (source, path, context) => validateStorageOS(source as StorageOSPersistentVolumeSource, path, context),
};

/** Names of fields in errors, where upstream's differ from those of the API. */
const pathNames = table<string>({ gcePersistentDisk: 'persistentDisk' });
const namesWhenForbidden = table<string>({ cephfs: 'cephFS', downwardAPI: 'downwarAPI' });

export interface SourceRules {
  /** All sources, in the order in which they are looked at. */
  readonly order: readonly string[];
  /** Of the sources that are not shared. */
  readonly own: Readonly<Record<string, (source: never, path: string) => FieldError[]>>;
  readonly context: VolumeContext;
}

/** There is exactly one source; the first one is looked at. */
export function validateVolumeSource(volume: object, path: string, { order, own, context }: SourceRules): FieldError[] {
  const sources = volume as Readonly<Record<string, object | undefined>>;
  const [first, ...more] = order.filter((name) => sources[name] !== undefined);
  if (first === undefined) return [required(path, 'must specify a volume type')];
  const judge = (name: string): FieldError[] => {
    const rule = (own[name] ?? rules[name as keyof Sources]) as
      | ((source: object, path: string, context: VolumeContext) => FieldError[])
      | undefined;
    return rule?.(sources[name]!, `${path}.${pathNames[name] ?? name}`, context) ?? [];
  };
  const why = 'may not specify more than 1 volume type';
  // Upstream takes a flexVolume of a PersistentVolume beside another source.
  const further = (name: string): FieldError[] =>
    context.persistent && name === 'flexVolume'
      ? judge(name)
      : [forbidden(`${path}.${namesWhenForbidden[name] ?? name}`, why)];
  return [...judge(first), ...more.flatMap(further)];
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

function validateHostPath(source: HostPathVolumeSource, path: string): FieldError[] {
  if (!source.path) return [required(`${path}.path`)];
  return [
    ...validateNoBacksteps(`${path}.path`, source.path),
    ...optionalOneOf(`${path}.type`, source.type, hostPathTypes),
  ];
}

function validatePartition(name: string) {
  return (source: { partition?: number }, path: string): FieldError[] => {
    const { partition = 0 } = source;
    const errors = needs(name)(source, path);
    if (partition >= 0 && partition <= 255) return errors;
    return [...errors, invalid(`${path}.partition`, partition, rangeMessage(1, 255))];
  };
}

function validateNFS(source: NFSVolumeSource, path: string): FieldError[] {
  const errors = needs('server', 'path')(source, path);
  if (source.path?.startsWith('/')) return errors;
  return [...errors, invalid(`${path}.path`, source.path ?? '', 'must be an absolute path')];
}

const qualifiedNames = table<RegExp>({
  iqn: /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9\-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[a-zA-Z0-9]{16}$/,
  naa: /^naa.[a-zA-Z0-9]{32}$/,
});

/** RFC 3720 names of targets and initiators. */
function iscsiNameErrors(field: string, name: string, { persistent }: VolumeContext): FieldError[] {
  const pattern = qualifiedNames[name.slice(0, 3)];
  if (!pattern) {
    const why = persistent ? 'must be valid format' : 'must be valid format starting with iqn, eui, or naa';
    return [invalid(field, name, why)];
  }
  return pattern.test(name) ? [] : [invalid(field, name, 'must be valid format')];
}

function validateISCSI(source: ISCSIPersistentVolumeSource, path: string, context: VolumeContext): FieldError[] {
  const { targetPortal, iqn, lun = 0, initiatorName, secretRef, chapAuthDiscovery, chapAuthSession } = source;
  const { persistent, volumeName } = context;
  const errors = requiredText(`${path}.targetPortal`, targetPortal);
  const isTooLong = initiatorName !== undefined && `${volumeName}:${targetPortal}`.length > 64;
  const tooLongWhy =
    'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
  if (isTooLong && persistent) errors.push(invalid(`${path}.targetportal`, targetPortal, tooLongWhy));
  errors.push(...(iqn ? iscsiNameErrors(`${path}.iqn`, iqn, context) : [required(`${path}.iqn`)]));
  if (lun < 0 || lun > 255) errors.push(invalid(`${path}.lun`, lun, rangeMessage(0, 255)));
  if ((chapAuthDiscovery || chapAuthSession) && !secretRef) errors.push(required(`${path}.secretRef`));
  if (persistent && secretRef && !secretRef.name) errors.push(required(`${path}.secretRef.name`));
  if (initiatorName !== undefined) {
    errors.push(...iscsiNameErrors(`${path}.initiatorname`, initiatorName, context));
  }
  if (isTooLong && !persistent) {
    errors.push(invalid(`${path.slice(0, path.lastIndexOf('.'))}.name`, volumeName, tooLongWhy));
  }
  return errors;
}

function validateFC({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, path: string): FieldError[] {
  const at = `${path}.targetWWNs`;
  const errors: FieldError[] = [];
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'));
  }
  if (targetWWNs.length === 0) return errors;
  if (wwids.length > 0) {
    errors.push(invalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  }
  if (lun === undefined) return [...errors, required(`${path}.lun`, 'lun is required if targetWWNs is specified')];
  return lun >= 0 && lun <= 255 ? errors : [...errors, invalid(`${path}.lun`, lun, rangeMessage(0, 255))];
}

function validateQuobyte({ registry, tenant = '', volume }: QuobyteVolumeSource, path: string): FieldError[] {
  const why = 'must be a host:port pair or multiple pairs separated by commas';
  const errors: FieldError[] = [];
  if (!registry) errors.push(required(`${path}.registry`, why));
  else if (tenant.length >= 65) {
    errors.push(required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'));
  } else {
    const wrong = registry.split(',').filter((pair) => !/^(\[[^\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair));
    errors.push(...wrong.map(() => invalid(`${path}.registry`, registry, why)));
  }
  return [...errors, ...requiredText(`${path}.volume`, volume)];
}

function validateFlocker({ datasetName = '', datasetUUID = '' }: FlockerVolumeSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!datasetName && !datasetUUID) {
    errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  }
  if (datasetName && datasetUUID) {
    errors.push(invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  }
  if (datasetName.includes('/')) errors.push(invalid(`${path}.datasetName`, datasetName, "must not contain '/'"));
  return errors;
}

/** Drivers get options of Kubernetes' own beside those of the author. */
function validateFlexVolume(
  { driver, options = {} }: Pick<FlexVolumeSource, 'driver' | 'options'>,
  path: string,
): FieldError[] {
  const reserved = Object.keys(options).filter((key) => {
    const namespace = `.${key.split('/')[0]!.toLowerCase()}`;
    return namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io');
  });
  const why = 'kubernetes.io and k8s.io namespaces are reserved';
  return [
    ...requiredText(`${path}.driver`, driver),
    ...reserved.map((key) => invalid(`${path}.options[${key}]`, key, why)),
  ];
}

function validateCinder(source: CinderPersistentVolumeSource, path: string, context: VolumeContext): FieldError[] {
  return [...requiredText(`${path}.volumeID`, source.volumeID), ...validateSecret(source, path, context)];
}

function validateSecret(
  { secretRef }: { secretRef?: { name?: string; namespace?: string } },
  path: string,
  { persistent }: VolumeContext,
): FieldError[] {
  if (!secretRef) return [];
  const name = requiredText(`${path}.secretRef.name`, secretRef.name);
  return persistent ? [...name, ...requiredText(`${path}.secretRef.namespace`, secretRef.namespace)] : name;
}

function validateStorageOS(
  source: StorageOSPersistentVolumeSource,
  path: string,
  context: VolumeContext,
): FieldError[] {
  return [
    ...validateRequiredName(`${path}.volumeName`, source.volumeName, dns1123Label),
    ...validateOptionalName(`${path}.volumeNamespace`, source.volumeNamespace, dns1123Label),
    ...validateSecret(source, path, context),
  ];
}

function validateAzureDisk(source: AzureDiskVolumeSource, path: string): FieldError[] {
  const { diskURI = '', kind } = source;
  const errors = [
    ...needs('diskName', 'diskURI')(source, path),
    ...optionalOneOf(`${path}.cachingMode`, source.cachingMode, ['None', 'ReadOnly', 'ReadWrite']),
    ...optionalOneOf(`${path}.kind`, kind, ['Dedicated', 'Managed', 'Shared']),
  ];
  if (kind === undefined) return errors;
  const [start, shape] =
    kind === 'Managed'
      ? [
          '/subscriptions/',
          '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
        ]
      : ['https://', 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'];
  return diskURI.startsWith(start) ? errors : [...errors, notSupported(`${path}.diskURI`, diskURI, [shape])];
}

/** The name of a driver of the Container Storage Interface: a domain, in any case. */
export function validateCSIDriverName(field: string, name: string | undefined): FieldError[] {
  const errors = requiredText(field, name);
  if ((name?.length ?? 0) > 63) errors.push(tooLong(field, 63));
  const wrong = dns1123Subdomain((name ?? '').toLowerCase());
  return [...errors, ...wrong.map((message) => invalid(field, name ?? '', message))];
}

/** Names of Secrets of a driver that is no PersistentVolume's. */
export function validateSecretName(path: string, name: string | undefined): FieldError[] {
  return name ? nameErrors(dns1123Subdomain, `${path}.name`, name) : [required(`${path}.nodePublishSecretRef.name`)];
}
