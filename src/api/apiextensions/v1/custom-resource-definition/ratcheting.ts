// What an update may keep of mistakes that the former definition already had: rules that came later than stored definitions.
import { jsonEqual } from '../../../../apimachinery/json/value.ts';
import { type JSONSchemaProps, walkSchema } from '../../schema/props.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '../types.generated.ts';
import { isConditionTrue } from './conditions.ts';
import { hasKnownReviewVersion, isCaBundle } from './conversion.ts';
import { hasUnprunedDefault } from './default-values.ts';
import { internalSpec, schemaOf } from './internal.ts';
import { itemsOfSetErrors, keyedListErrors, knownTypes } from './list-rules.ts';
import { mostSelectableFields } from './selectable-fields.ts';
import { structuralProblem, validateStructural } from './structural.ts';

export interface Leniency {
  readonly anyReviewVersion: boolean;
  readonly noSchemas: boolean;
  readonly anyType: boolean;
  readonly notStructural: boolean;
  readonly unprunedDefaults: boolean;
  readonly anyItemsOfSets: boolean;
  readonly anyKeysOfMaps: boolean;
  /** Of a conversion webhook: it keeps the definition from being established. */
  readonly anyCaBundle: boolean;
  /** Versions whose rules may cost what they like: their schema is what it was. */
  readonly costly: ReadonlySet<string>;
  /** Versions with more selectable fields than are allowed, as before. */
  readonly manySelectableFields: ReadonlySet<string>;
}

export const noLeniency: Leniency = {
  anyReviewVersion: false,
  noSchemas: false,
  anyType: false,
  notStructural: false,
  unprunedDefaults: false,
  anyItemsOfSets: false,
  anyKeysOfMaps: false,
  anyCaBundle: true,
  costly: new Set(),
  manySelectableFields: new Set(),
};

/** What `spec` may keep of what is wrong with the old definition. */
export function leniencyFor(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition): Leniency {
  const before = old.spec.versions;
  const schemas = before.flatMap(({ schema }) => (schema?.openAPIV3Schema ? [schema.openAPIV3Schema] : []));
  const some = (test: (schema: JSONSchemaProps) => boolean) => schemas.some((schema) => hasSome(schema, test));
  const { conversion } = old.spec;
  const reviewVersions = conversion?.webhook?.conversionReviewVersions ?? [];
  const caBundle = conversion?.webhook?.clientConfig?.caBundle;
  const [now, then] = [internalSpec(spec), internalSpec(old.spec)];
  return {
    anyReviewVersion: reviewVersions.length > 0 && !hasKnownReviewVersion(reviewVersions),
    noSchemas: schemas.length < before.length,
    anyType: some(({ type }) => type !== undefined && type !== '' && !knownTypes.includes(type)),
    notStructural: schemas.some((schema) => structuralProblem(schema) || validateStructural(schema, '').length > 0),
    unprunedDefaults: schemas.some(hasUnprunedDefault),
    anyItemsOfSets: some((schema) => itemsOfSetErrors(schema, '').length > 0),
    anyKeysOfMaps: some((schema) => keyedListErrors(schema, '').length > 0),
    anyCaBundle:
      !isConditionTrue(old, 'Established') || (caBundle !== undefined && caBundle !== '' && !isCaBundle(caBundle)),
    costly: new Set(
      spec.versions
        .map(({ name }) => name)
        .filter((name) => before.some((one) => one.name === name))
        .filter((name) => jsonEqual(schemaOf(now, name) ?? null, schemaOf(then, name) ?? null)),
    ),
    manySelectableFields: new Set(
      spec.versions
        .filter(({ name, selectableFields = [] }) => {
          const present = before.find((one) => one.name === name)?.selectableFields ?? [];
          return present.length > mostSelectableFields && jsonEqual(present, selectableFields);
        })
        .map(({ name }) => name),
    ),
  };
}

function hasSome(schema: JSONSchemaProps, test: (schema: JSONSchemaProps) => boolean): boolean {
  let found = false;
  walkSchema(schema, (one) => {
    if (!found && test(one)) found = true;
  });
  return found;
}

/** Whether a schema needs to be structural even where others need not: it has defaults, or extensions that mean something. */
export function needsStructure(schema: JSONSchemaProps): boolean {
  return hasSome(
    schema,
    (one) =>
      one.default !== undefined ||
      one['x-kubernetes-embedded-resource'] === true ||
      one['x-kubernetes-preserve-unknown-fields'] !== undefined ||
      one['x-kubernetes-int-or-string'] === true ||
      (one['x-kubernetes-list-map-keys'] ?? []).length > 0 ||
      one['x-kubernetes-list-type'] !== undefined ||
      (one['x-kubernetes-validations'] ?? []).length > 0,
  );
}
