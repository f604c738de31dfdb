import { jsonCopy } from '../../../../apimachinery/json/value.ts';
import type { Kind } from '../../../define.ts';
import type { CustomResourceDefinition } from '../types.generated.ts';
import { defaultDefinition } from './defaults.ts';
import { type Expressions, noExpressions } from './expressions.ts';
import { validateDefinition, validateDefinitionUpdate, validateStatus } from './validation.ts';
import { definitionWarnings } from './warnings.ts';

/** Every version that was ever the storage version is named until a migration takes it out. */
function addStoredVersion({ spec, status }: CustomResourceDefinition): void {
  if (!status) return;
  const storage = spec.versions?.find((version) => version.storage)?.name;
  const stored = status.storedVersions ?? [];
  if (storage !== undefined && !stored.includes(storage)) status.storedVersions = [...stored, storage];
}

/** `expressions` says what is wrong with rules. */
export function customResourceDefinition(expressions: Expressions = noExpressions): Kind<CustomResourceDefinition> {
  return {
    countsGeneration: true,
    allowUnconditionalUpdate: false,
    plainFinalizers: true,
    emptyStatus: () => ({ conditions: null, acceptedNames: { kind: '', plural: '' } }),
    strategy: {
      default: defaultDefinition,
      prepareForCreate: addStoredVersion,
      prepareForUpdate(definition) {
        // The status is the present one's: it must not be changed.
        if (definition.status) definition.status = jsonCopy(definition.status);
        addStoredVersion(definition);
      },
      // Metadata can be written with the status, as upstream has it.
      prepareForStatusUpdate(definition, old) {
        definition.spec = old.spec;
      },
      validate: (definition) => validateDefinition(definition, expressions),
      validateUpdate: (definition, old) => validateDefinitionUpdate(definition, old, expressions),
      validateStatusUpdate: validateStatus,
      warnings: definitionWarnings,
    },
  };
}
