import { type FieldError, fieldError } from '../../../apimachinery/validation/field-error.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../define.ts';
import { immutable, optionalOneOf } from '../../validation/values.ts';
import type { CSIDriver } from './types.generated.ts';

const { required, invalid, duplicate, notSupported } = fieldError;

const lifecycleModes = ['Persistent', 'Ephemeral'];
/** Upstream's name for `attachRequired` in errors. */
const attachField = 'spec.attachedRequired';

function validateTokenRequests({ tokenRequests = [] }: CSIDriver['spec']): FieldError[] {
  const seen = new Set<string>();
  return tokenRequests.flatMap(({ audience, expirationSeconds }, i) => {
    const at = `spec.tokenRequests[${i}]`;
    if (seen.has(audience)) return [duplicate(`${at}.audience`, audience)];
    seen.add(audience);
    const errors: FieldError[] = [];
    if (expirationSeconds === undefined) return errors;
    const field = `${at}.expirationSeconds`;
    if (expirationSeconds < 600) {
      errors.push(invalid(field, expirationSeconds, 'may not specify a duration less than 10 minutes'));
    }
    if (expirationSeconds > 2 ** 32) {
      errors.push(invalid(field, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'));
    }
    return errors;
  });
}

function validateSpec(spec: CSIDriver['spec']): FieldError[] {
  const needed = ['podInfoOnMount', 'storageCapacity'] as const;
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  const modes = spec.volumeLifecycleModes ?? [];
  const inSecrets = spec.serviceAccountTokenInSecrets;
  const noTokens = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
  return [
    ...(spec.attachRequired === undefined ? [required(attachField)] : []),
    ...needed.filter((field) => spec[field] === undefined).map((field) => required(`spec.${field}`)),
    ...optionalOneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']),
    ...validateTokenRequests(spec),
    ...modes.flatMap((mode) =>
      lifecycleModes.includes(mode) ? [] : [notSupported('spec.volumeLifecycleModes', mode, lifecycleModes)],
    ),
    ...(spec.seLinuxMount === undefined ? [required('spec.seLinuxMount')] : []),
    ...(period !== undefined && period < 10
      ? [invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds')]
      : []),
    ...(inSecrets !== undefined && !spec.tokenRequests?.length
      ? [invalid('spec.serviceAccountTokenInSecrets', inSecrets, noTokens)]
      : []),
  ];
}

/** A driver of the Container Storage Interface, and what the kubelet has to know of it. */
export const csiDriver: Kind<CSIDriver> = {
  returnsDeletedObject: true,
  countsGeneration: true,
  allowUnconditionalUpdate: false,
  strategy: {
    default({ spec }) {
      spec.attachRequired ??= true;
      spec.podInfoOnMount ??= false;
      spec.storageCapacity ??= false;
      spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
      if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
      spec.requiresRepublish ??= false;
      spec.seLinuxMount ??= false;
    },
    validate: ({ spec }) => validateSpec(spec),
    validateUpdate: ({ spec }, old) => [
      ...validateSpec(spec),
      ...immutable(attachField, spec.attachRequired, old.spec.attachRequired),
      ...immutable('spec.volumeLifecycleModes', spec.volumeLifecycleModes, old.spec.volumeLifecycleModes),
    ],
  },
  columns: [
    nameColumn,
    column('AttachRequired', 'Whether volumes are attached to nodes first.', { type: 'boolean' }),
    column('PodInfoOnMount', 'Whether it is told which Pod a volume is for.', { type: 'boolean' }),
    column('StorageCapacity', 'Whether it says how much room there is.', { type: 'boolean' }),
    column('TokenRequests', 'For whom it wants tokens of the Pods.'),
    column('RequiresRepublish', 'Whether it is asked again and again.', { type: 'boolean' }),
    column('Modes', 'Volumes of claims, or of Pods.'),
    ageColumn,
  ],
  cells: (object, now) => {
    const { spec, metadata } = object;
    // No audience at all is that of the API server.
    const audiences = spec.tokenRequests?.length ? spec.tokenRequests.map(({ audience }) => audience) : ['<unset>'];
    return [
      metadata.name,
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      audiences.join(','),
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(',') || '<none>',
      ageCell(object, now),
    ];
  },
};
