import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import { nameErrors, validateLabels } from '../../../../apimachinery/validation/object-meta.ts';
import { nodeLabelWarning } from '../../../core/v1/node/labels.ts';
import { validateResources } from '../../../core/v1/pod/container-resources.ts';
import { validateTolerations } from '../../../core/v1/pod/scheduling.ts';
import type { Toleration } from '../../../core/v1/types.generated.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { immutable } from '../../../validation/values.ts';
import type { RuntimeClass } from '../types.generated.ts';

function validate({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  return [
    ...nameErrors(dns1123Label, 'handler', handler ?? ''),
    ...(overhead?.podFixed ? validateResources({ limits: overhead.podFixed }, 'overhead') : []),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations'),
    ...repeatedTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations'),
  ];
}

/** How long something is tolerated does not tell two tolerations apart. */
function repeatedTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  const seen = new Set<string>();
  return tolerations.flatMap((toleration, i) => {
    const { key: Key = '', operator: Operator = '', value: Value = '', effect: Effect = '' } = toleration;
    const id = JSON.stringify([Key, Operator, Value, Effect]);
    const printed = { Key, Operator, Value, Effect, TolerationSeconds: toleration.tolerationSeconds ?? null };
    if (seen.has(id)) return [fieldError.duplicate(`${path}[${i}]`, printed)];
    seen.add(id);
    return [];
  });
}

export const runtimeClass: Kind<RuntimeClass> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  strategy: {
    validate,
    validateUpdate: (object, old) => [...validate(object), ...immutable('handler', object.handler, old.handler)],
    warnings: ({ scheduling }) =>
      Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
        const why = nodeLabelWarning(key);
        return why ? [`scheduling.nodeSelector: ${why}`] : [];
      }),
  },
  columns: [nameColumn, column('Handler', 'What runs the containers.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.handler, ageCell(object, now)],
};
