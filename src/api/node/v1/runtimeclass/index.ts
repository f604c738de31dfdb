import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { nameErrors, validateLabels } from '../../../../apimachinery/validation/object-meta.ts';
import { validateTolerations } from '../../../core/v1/pod/scheduling.ts';
import { ageCell, ageColumn, column, deepEqual, type Kind, nameColumn } from '../../../define.ts';
import { validateContainerResourceName, validateResourceQuantity } from '../../../validation/quantities.ts';
import { immutable } from '../../../validation/values.ts';
import type { RuntimeClass } from '../types.generated.ts';

function validate({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const fixed = Object.entries(overhead?.podFixed ?? {});
  const tolerations = scheduling?.tolerations ?? [];
  return [
    ...nameErrors(dns1123Label, 'handler', handler ?? ''),
    ...fixed.flatMap(([name, amount]) => [
      ...validateContainerResourceName(`overhead.podFixed.limits[${name}]`, name),
      ...validateResourceQuantity(`overhead.podFixed.limits[${name}]`, name, amount),
    ]),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(tolerations, 'scheduling.tolerations'),
    ...tolerations.flatMap((one, i) =>
      tolerations.slice(0, i).some((other) => deepEqual(one, other))
        ? [fieldError.duplicate(`scheduling.tolerations[${i}]`, one)]
        : [],
    ),
  ];
}

export const runtimeClass: Kind<RuntimeClass> = {
  strategy: {
    validate,
    validateUpdate: (object, old) => immutable('handler', object.handler, old.handler),
  },
  columns: [nameColumn, column('Handler', 'What runs the containers.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.handler, ageCell(object, now)],
};
