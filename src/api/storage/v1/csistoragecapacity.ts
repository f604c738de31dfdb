import { deepEqual } from '../../../apimachinery/json/value.ts';
import type { FieldError } from '../../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain } from '../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../apimachinery/validation/object-meta.ts';
import { nodeLabelWarning, nodeSelectorTermWarnings } from '../../core/v1/node/labels.ts';
import { column, type Kind, nameColumn } from '../../define.ts';
import { printedSelector } from '../../validation/printed.ts';
import { validateNonNegativeQuantity } from '../../validation/quantities.ts';
import { validateLabelSelector } from '../../validation/selectors.ts';
import { immutable } from '../../validation/values.ts';
import type { CSIStorageCapacity } from './types.generated.ts';

function validate(object: CSIStorageCapacity, old?: CSIStorageCapacity): FieldError[] {
  const { nodeTopology, storageClassName, capacity } = object;
  const isKept = old !== undefined && deepEqual(nodeTopology, old.nodeTopology);
  return [
    ...(isKept ? [] : validateLabelSelector(nodeTopology, 'nodeTopology')),
    ...nameErrors(dns1123Subdomain, 'storageClassName', storageClassName),
    ...(capacity === undefined ? [] : validateNonNegativeQuantity('capacity', capacity)),
  ];
}

/** How much room a driver has for volumes of a class, where. */
export const csiStorageCapacity: Kind<CSIStorageCapacity> = {
  allowUnconditionalUpdate: false,
  strategy: {
    validate: (object) => validate(object),
    validateUpdate: (object, old) => [
      ...validate(object, old),
      ...immutable('nodeTopology', object.nodeTopology, old.nodeTopology, printedSelector),
      ...immutable('storageClassName', object.storageClassName, old.storageClassName),
    ],
    warnings: ({ nodeTopology = {} }) => [
      ...nodeSelectorTermWarnings(nodeTopology, 'nodeTopology'),
      ...Object.keys(nodeTopology.matchLabels ?? {}).flatMap((key) => {
        const why = nodeLabelWarning(key);
        return why ? [`nodeTopology.matchLabels.${key}: ${why}`] : [];
      }),
    ],
  },
  columns: [
    nameColumn,
    column('StorageClassName', 'Of which class volumes would be.'),
    column('Capacity', 'How much room there is.'),
  ],
  cells: (object) => [object.metadata.name, object.storageClassName, object.capacity ?? '<unset>'],
};
