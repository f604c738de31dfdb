import { printResource } from '../../../../apimachinery/object.ts';
import { ageCell, column, type Kind, nameColumn } from '../../../define.ts';
import type { IPAddress } from '../types.generated.ts';
import { ipAddressName, validateIPAddress, validateIPAddressUpdate } from './validation.ts';

function parent({ spec }: IPAddress): string {
  const { group = '', resource, namespace, name } = spec.parentRef;
  return [printResource({ group, resource }), ...(namespace ? [namespace] : []), name].join('/');
}

export const ipAddress: Kind<IPAddress> = {
  nameRule: ipAddressName,
  strategy: { validate: validateIPAddress, validateUpdate: validateIPAddressUpdate },
  selectableFields: {
    'spec.parentRef.group': ({ spec }) => spec.parentRef.group,
    'spec.parentRef.resource': ({ spec }) => spec.parentRef.resource,
    'spec.parentRef.namespace': ({ spec }) => spec.parentRef.namespace,
    'spec.parentRef.name': ({ spec }) => spec.parentRef.name,
  },
  columns: [nameColumn, column('ParentRef', 'Who has the address.')],
  // Upstream's rows have the age too, though no column says so.
  cells: (object, now) => [object.metadata.name, parent(object), ageCell(object, now)],
};
