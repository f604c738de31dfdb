// The volumes of a Pod: one source each, and what is projected into files.
import type { ObjectMeta } from '../../../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors, validateAnnotations, validateLabels } from '../../../../apimachinery/validation/object-meta.ts';
import { validateDescendingPath, validateFileMode, validateLocalPath } from '../../../validation/paths.ts';
import { amountOf } from '../../../validation/quantities.ts';
import { validateRequiredName } from '../../../validation/references.ts';
import { validateLabelSelector } from '../../../validation/selectors.ts';
import { clusterTrustBundleName, signerName } from '../../../validation/signers.ts';
import { oneOf, requiredText } from '../../../validation/values.ts';
import { validateClaimSpec } from '../persistentvolumeclaim/spec.ts';
import type {
  ClusterTrustBundleProjection,
  ConfigMapVolumeSource,
  CSIVolumeSource,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  EmptyDirVolumeSource,
  EphemeralVolumeSource,
  GitRepoVolumeSource,
  ImageVolumeSource,
  KeyToPath,
  PersistentVolumeClaimVolumeSource,
  PodCertificateProjection,
  ProjectedVolumeSource,
  SecretVolumeSource,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from '../types.generated.ts';
import { validateCSIDriverName, validateSecretName, validateVolumeSource } from '../volume-sources.ts';
import { validateFieldRef, validateResourceFieldRef } from './environment.ts';
import { internalForm } from './internal-form.ts';

const { required, forbidden, invalid, duplicate, notSupported } = fieldError;

const order = [
  'emptyDir',
  'hostPath',
  'gitRepo',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'secret',
  'nfs',
  'iscsi',
  'glusterfs',
  'flocker',
  'persistentVolumeClaim',
  'rbd',
  'cinder',
  'cephfs',
  'quobyte',
  'downwardAPI',
  'fc',
  'flexVolume',
  'configMap',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'storageos',
  'projected',
  'scaleIO',
  'csi',
  'ephemeral',
  'image',
];

/** What files of a volume can be told of the Pod. */
const fileFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

interface JudgedVolumes {
  readonly errors: readonly FieldError[];
  /** By name, those without errors. */
  readonly valid: ReadonlyMap<string, Volume>;
}

/** `pod` is the metadata of the Pod itself; absent for a template. */
export function validateVolumes(volumes: readonly Volume[], path: string, pod: ObjectMeta | undefined): JudgedVolumes {
  const valid = new Map<string, Volume>();
  const made = new Set(
    pod?.name ? volumes.flatMap(({ ephemeral, name }) => (ephemeral ? `${pod.name}-${name}` : [])) : [],
  );
  const errors = volumes.flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const own = validateVolume(volume, at, pod);
    if (valid.has(volume.name)) own.push(duplicate(`${at}.name`, volume.name));
    if (own.length === 0) valid.set(volume.name, volume);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim === undefined || !made.has(claim)) return own;
    const why = 'must not reference a PVC that gets created for an ephemeral volume';
    return [...own, invalid(`${at}.persistentVolumeClaim.claimName`, claim, why)];
  });
  return { errors, valid };
}

function validateVolume(volume: Volume, at: string, pod: ObjectMeta | undefined): FieldError[] {
  const { name } = volume;
  const own = {
    emptyDir: validateEmptyDir,
    gitRepo: validateGitRepo,
    secret: validateSecretVolume,
    configMap: validateConfigMapVolume,
    persistentVolumeClaim: ({ claimName }: PersistentVolumeClaimVolumeSource, to: string) =>
      requiredText(`${to}.claimName`, claimName),
    downwardAPI: validateDownwardAPI,
    projected: validateProjected,
    csi: validateCSI,
    ephemeral: (source: EphemeralVolumeSource, to: string) => validateEphemeral(source, to, { name, pod }),
    image: (source: ImageVolumeSource, to: string) => validateImage(source, to, pod),
  };
  const context = { persistent: false, volumeName: name };
  return [
    ...validateVolumeSource(volume, at, { order, own, context }),
    ...validateRequiredName(`${at}.name`, name, dns1123Label),
  ];
}

function validateEmptyDir({ sizeLimit }: EmptyDirVolumeSource, path: string): FieldError[] {
  if ((amountOf(sizeLimit)?.nano ?? 0n) >= 0n) return [];
  return [forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')];
}

function validateGitRepo({ repository, directory = '' }: GitRepoVolumeSource, path: string): FieldError[] {
  return [...requiredText(`${path}.repository`, repository), ...validateDescendingPath(`${path}.directory`, directory)];
}

function validateSecretVolume({ secretName, ...rest }: SecretVolumeSource, path: string): FieldError[] {
  return [...requiredText(`${path}.secretName`, secretName), ...validateKeyedFiles(rest, path)];
}

function validateConfigMapVolume({ name, ...rest }: ConfigMapVolumeSource, path: string): FieldError[] {
  return [...requiredText(`${path}.name`, name), ...validateKeyedFiles(rest, path)];
}

function validateKeyedFiles(
  { defaultMode, items = [] }: { defaultMode?: number; items?: KeyToPath[] },
  path: string,
): FieldError[] {
  return [
    ...validateFileMode(`${path}.defaultMode`, defaultMode),
    ...items.flatMap((item, i) => validateKeyToPath(item, `${path}.items[${i}]`)),
  ];
}

function validateKeyToPath({ key, path: file, mode }: KeyToPath, path: string): FieldError[] {
  return [
    ...requiredText(`${path}.key`, key),
    ...requiredText(`${path}.path`, file),
    ...validateLocalPath(`${path}.path`, file),
    ...validateFileMode(`${path}.mode`, mode),
  ];
}

function validateDownwardAPI({ defaultMode, items = [] }: DownwardAPIVolumeSource, path: string): FieldError[] {
  return [
    ...validateFileMode(`${path}.defaultMode`, defaultMode),
    ...items.flatMap((file) => validateDownwardAPIFile(file, path)),
  ];
}

function validateDownwardAPIFile(file: DownwardAPIVolumeFile, path: string): FieldError[] {
  const { fieldRef, resourceFieldRef, mode } = file;
  const errors = [...requiredText(`${path}.path`, file.path), ...validateLocalPath(`${path}.path`, file.path)];
  if (fieldRef) {
    errors.push(...validateFieldRef(fieldRef, `${path}.fieldRef`, fileFields));
    if (resourceFieldRef) {
      const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
      errors.push(invalid(path, 'resource', why));
    }
  } else if (resourceFieldRef) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, `${path}.resourceFieldRef`, { needsContainer: true }));
  } else {
    errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  }
  return [...errors, ...validateFileMode(`${path}.mode`, mode)];
}

function validateCSI({ driver, nodePublishSecretRef }: CSIVolumeSource, path: string): FieldError[] {
  const secret = nodePublishSecretRef ? validateSecretName(path, nodePublishSecretRef.name) : [];
  return [...validateCSIDriverName(`${path}.driver`, driver), ...secret];
}

interface EphemeralContext {
  readonly name: string;
  readonly pod: ObjectMeta | undefined;
}

/** Of the claim's metadata only labels and annotations are the author's. */
function validateEphemeral(
  { volumeClaimTemplate: template }: EphemeralVolumeSource,
  path: string,
  { name, pod }: EphemeralContext,
): FieldError[] {
  const at = `${path}.volumeClaimTemplate`;
  const errors: FieldError[] = [];
  if (!template) errors.push(required(at));
  else {
    const { metadata = {}, spec } = template;
    const { labels, annotations, ...others } = metadata;
    errors.push(
      ...validateAnnotations(annotations, `${at}.metadata.annotations`),
      ...validateLabels(labels, `${at}.metadata.labels`),
      ...Object.keys(others)
        .filter((field) => others[field as keyof typeof others] !== null)
        .map((field) => forbidden(`${at}.metadata.${field}`, 'cannot be set')),
      ...validateClaimSpec(spec, `${at}.spec`),
    );
  }
  if (!pod?.name || !name) return errors;
  // The claim is named after both.
  const claim = `${pod.name}-${name}`;
  const wrong = dns1123Subdomain(claim);
  const volume = path.slice(0, path.lastIndexOf('.'));
  return [
    ...errors,
    ...wrong.map((message) => invalid(`${volume}.name`, name, `PVC name ${JSON.stringify(claim)}: ${message}`)),
  ];
}

function validateImage(
  { reference, pullPolicy }: ImageVolumeSource,
  path: string,
  pod: ObjectMeta | undefined,
): FieldError[] {
  return [
    ...(pod ? requiredText(`${path}.reference`, reference) : []),
    ...oneOf(`${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never']),
  ];
}

function validateProjected({ defaultMode, sources }: ProjectedVolumeSource, path: string): FieldError[] {
  const files = new Set<string>();
  return [
    ...validateFileMode(`${path}.defaultMode`, defaultMode),
    ...(sources ?? []).flatMap((source, i) => {
      const at = `${path}.sources[${i}]`;
      const errors = validateProjection(source, at, path);
      for (const { file, shown } of projectedFiles(source)) {
        if (files.has(file)) errors.push(invalid(path, shown, 'conflicting duplicate paths'));
        files.add(file);
      }
      const count = Object.values(source).filter((one) => one !== undefined).length;
      if (count > 1) errors.push(forbidden(at, 'may not specify more than 1 volume type per source'));
      return errors;
    }),
  ];
}

/** The files that a source makes, and what an error about one of them shows. */
function projectedFiles(source: VolumeProjection): { file: string; shown: string }[] {
  const { secret, configMap, downwardAPI, clusterTrustBundle, podCertificate } = source;
  const keyed = [secret, configMap].flatMap((one) =>
    (one?.items ?? []).map(({ path }) => ({ file: path, shown: one?.name ?? '' })),
  );
  const plain = [
    ...(downwardAPI?.items ?? []).map(({ path }) => path),
    clusterTrustBundle?.path,
    podCertificate?.credentialBundlePath,
    podCertificate?.keyPath,
    podCertificate?.certificateChainPath,
  ];
  return [...keyed, ...plain.map((file = '') => ({ file, shown: file }))].filter(({ file }) => file !== '');
}

function validateProjection(source: VolumeProjection, path: string, volume: string): FieldError[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  const errors: FieldError[] = [];
  for (const [name, one] of Object.entries({ secret, configMap })) {
    if (!one) continue;
    errors.push(...requiredText(`${path}.${name}.name`, one.name));
    errors.push(...(one.items ?? []).flatMap((item, i) => validateKeyToPath(item, `${path}.${name}.items[${i}]`)));
  }
  errors.push(...(downwardAPI?.items ?? []).flatMap((file) => validateDownwardAPIFile(file, `${path}.downwardAPI`)));
  if (serviceAccountToken) {
    errors.push(...validateToken(serviceAccountToken, `${path}.serviceAccountToken`, `${volume}.path`));
  }
  if (clusterTrustBundle) errors.push(...validateTrustBundle(clusterTrustBundle, `${path}.clusterTrustBundle`));
  if (podCertificate) errors.push(...validateCertificate(podCertificate, `${path}.podCertificate`));
  return errors;
}

/** Upstream names the volume's path, not the source's, where the file's is wrong. */
function validateToken(token: ServiceAccountTokenProjection, path: string, fileField: string): FieldError[] {
  const { expirationSeconds = 0 } = token;
  const at = `${path}.expirationSeconds`;
  const errors: FieldError[] = [];
  if (expirationSeconds < 600) {
    errors.push(invalid(at, expirationSeconds, 'may not specify a duration less than 10 minutes'));
  }
  if (expirationSeconds > 2 ** 32) {
    errors.push(invalid(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
  }
  return [...errors, ...(token.path ? validateLocalPath(fileField, token.path) : [required(fileField)])];
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { name, signerName: signer, labelSelector } = bundle;
  if (name !== undefined && signer !== undefined) {
    const shown = internalForm('ClusterTrustBundleProjection', bundle);
    errors.push(invalid(path, shown, 'only one of name and signerName may be used'));
  } else if (name !== undefined) {
    if (name === '') errors.push(required(`${path}.name`, 'must be a valid object name'));
    for (const message of clusterTrustBundleName(name)) {
      errors.push(invalid(`${path}.name`, name, `not a valid clustertrustbundlename: ${message}`));
    }
    if (labelSelector) {
      errors.push(invalid(`${path}.labelSelector`, labelSelector, 'labelSelector must be unset if name is specified'));
    }
  } else if (signer !== undefined) {
    if (signer === '') errors.push(required(`${path}.signerName`, 'must be a valid signer name'));
    errors.push(...nameErrors(signerName, `${path}.signerName`, signer));
    errors.push(...validateLabelSelector(labelSelector, `${path}.labelSelector`));
  } else {
    errors.push(required(path, 'either name or signerName must be specified'));
  }
  return [...errors, ...requiredText(`${path}.path`, bundle.path), ...validateLocalPath(`${path}.path`, bundle.path)];
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const hour = 3600;

/** A key and a certificate for it, made for the Pod (KEP-4317). */
function validateCertificate(projection: PodCertificateProjection, path: string): FieldError[] {
  const { keyType, maxExpirationSeconds, credentialBundlePath, keyPath, certificateChainPath } = projection;
  const errors = nameErrors(signerName, `${path}.signerName`, projection.signerName);
  for (const key of Object.keys(projection.userAnnotations ?? {})) {
    errors.push(...nameErrors(qualifiedName, `${path}.userAnnotations[${key}]`, key));
  }
  if (!keyTypes.includes(keyType)) errors.push(notSupported(`${path}.keyType`, keyType, keyTypes));
  if (maxExpirationSeconds !== undefined) {
    const at = `${path}.maxExpirationSeconds`;
    if (maxExpirationSeconds < hour) {
      errors.push(invalid(at, maxExpirationSeconds, `if provided, maxExpirationSeconds must be >= ${hour}`));
    } else if (maxExpirationSeconds > 91 * 24 * hour) {
      errors.push(invalid(at, maxExpirationSeconds, `if provided, maxExpirationSeconds must be <= ${91 * 24 * hour}`));
    }
  }
  const files = Object.entries({ credentialBundlePath, keyPath, certificateChainPath });
  for (const [field, file] of files) if (file) errors.push(...validateLocalPath(`${path}.${field}`, file));
  if (files.every(([, file]) => !file)) {
    const why = 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath';
    errors.push(required(path, why));
  }
  return errors;
}
