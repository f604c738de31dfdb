// The kinds of resource.k8s.io: devices that nodes offer, and claims on them.
import { validateAnnotations, validateLabels } from '../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, keepAllButStatus, nameColumn } from '../../define.ts';
import { immutable } from '../../validation/values.ts';
import { defaultDeviceClaim, validateDeviceClaim, validateDeviceClass } from './claim.ts';
import { forgetReleasedDevices, validateClaimStatus } from './claim-status.ts';
import { validateSlice } from './slice.ts';
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from './types.generated.ts';

/** Devices that are alike, for claims to ask for. */
export const deviceClass: Kind<DeviceClass> = {
  returnsDeletedObject: true,
  countsGeneration: true,
  strategy: { validate: validateDeviceClass, validateUpdate: validateDeviceClass },
  columns: [nameColumn, ageColumn],
  cells: (object, now) => [object.metadata.name, ageCell(object, now)],
};

function claimState({ metadata, status }: ResourceClaim): string {
  const states: string[] = [];
  if (metadata.deletionTimestamp) states.push('deleted');
  if (status?.allocation) states.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []));
  else if (!metadata.deletionTimestamp) states.push('pending');
  return states.join(',');
}

/** Devices that Pods share, or one has. */
export const resourceClaim: Kind<ResourceClaim> = {
  returnsDeletedObject: true,
  statusKeeps: 'metadata',
  strategy: {
    default: ({ spec }) => defaultDeviceClaim(spec?.devices),
    validate: ({ spec }) => validateDeviceClaim(spec?.devices, 'spec.devices'),
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
    prepareForStatusUpdate(object, old) {
      keepAllButStatus(object, old);
      forgetReleasedDevices(object, old);
    },
    validateStatusUpdate: validateClaimStatus,
  },
  columns: [nameColumn, column('State', 'Pending, or allocated and reserved.'), ageColumn],
  cells: (object, now) => [object.metadata.name, claimState(object), ageCell(object, now)],
};

/** What the claims of Pods are made from. */
export const resourceClaimTemplate: Kind<ResourceClaimTemplate> = {
  returnsDeletedObject: true,
  strategy: {
    default: ({ spec }) => defaultDeviceClaim(spec?.spec?.devices),
    validate: ({ spec }) => [
      ...validateLabels(spec?.metadata?.labels, 'spec.metadata.labels'),
      ...validateAnnotations(spec?.metadata?.annotations, 'spec.metadata.annotations'),
      ...validateDeviceClaim(spec?.spec?.devices, 'spec.spec.devices'),
    ],
    validateUpdate: (object, old) => immutable('spec', object.spec, old.spec),
  },
  columns: [nameColumn, ageColumn],
  cells: (object, now) => [object.metadata.name, ageCell(object, now)],
};

/** Devices that a driver offers on a node, or on several. */
export const resourceSlice: Kind<ResourceSlice> = {
  returnsDeletedObject: true,
  countsGeneration: true,
  strategy: { validate: (object) => validateSlice(object), validateUpdate: validateSlice },
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName,
    'spec.driver': ({ spec }) => spec?.driver,
  },
  columns: [
    nameColumn,
    column('Node', 'The node that has them.'),
    column('Driver', 'Whose devices they are.'),
    column('Pool', 'Which devices belong together.'),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec?.nodeName || '<unset>',
    object.spec?.driver ?? '',
    object.spec?.pool?.name ?? '',
    ageCell(object, now),
  ],
};
