// Validation of definitions, in upstream's words and order (pkg/apis/apiextensions/validation).
import { escapeHtml } from '../../../../apimachinery/json/go-text.ts';
import { jsonEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label, dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { immutableMessage } from '../../../../apimachinery/validation/object-meta.ts';
import { hasDefaults } from '../../schema/defaults.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceSubresources,
} from '../types.generated.ts';
import { validateApproval } from './approval.ts';
import { isConditionTrue } from './conditions.ts';
import { validateConversion } from './conversion.ts';
import { type Expressions, noExpressions } from './expressions.ts';
import { goVersions, type InternalSpec, type InternalVersion, internalSpec, type VersionParts } from './internal.ts';
import { type Leniency, leniencyFor, needsStructure, noLeniency } from './ratcheting.ts';
import { type RootOptions, validateRootSchema } from './root-schema.ts';
import { validateSelectableFields } from './selectable-fields.ts';

const { required, invalid, notSupported } = fieldError;

/** Beside metadata, which the generic rules see to. */
export function validateDefinition(
  definition: CustomResourceDefinition,
  expressions: Expressions = noExpressions,
): FieldError[] {
  return [
    ...validateName(definition),
    ...validateSpec(definition.spec, { leniency: noLeniency, expressions }),
    ...validateStatus(definition),
    ...validateStoredVersions(definition),
    ...validateApproval(definition),
    ...validatePreserve(definition.spec, undefined),
  ];
}

function validateName({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  const { names, group } = spec;
  const wanted = `${names?.plural ?? ''}.${group ?? ''}`;
  return (['generateName', 'name'] as const)
    .filter((field) => metadata[field] && metadata[field] !== wanted)
    .map((field) => invalid(`metadata.${field}`, metadata[field], 'must be spec.names.plural+"."+spec.group'));
}

export function validateDefinitionUpdate(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition,
  expressions: Expressions = noExpressions,
): FieldError[] {
  const { spec } = definition;
  const errors = validateSpec(spec, { leniency: leniencyFor(spec, old), expressions });
  const keeps = (value: unknown, before: unknown, field: string) => {
    if (!jsonEqual(value, before)) errors.push(invalid(field, value, immutableMessage));
  };
  if (isConditionTrue(old, 'Established')) {
    keeps(spec.scope, old.spec.scope, 'spec.scope');
    keeps(spec.names.kind, old.spec.names.kind, 'spec.names.kind');
  }
  keeps(spec.group, old.spec.group, 'spec.group');
  keeps(spec.names.plural, old.spec.names.plural, 'spec.names.plural');
  return [
    ...errors,
    ...validateStatus(definition),
    ...validateStoredVersions(definition),
    ...validateApproval(definition, old),
    ...validatePreserve(spec, old.spec),
  ];
}

export function validateStatus({ status }: CustomResourceDefinition): FieldError[] {
  return status?.acceptedNames ? validateNames(status.acceptedNames, 'status.acceptedNames') : [];
}

function validateStoredVersions({ spec, status }: CustomResourceDefinition): FieldError[] {
  const stored = status?.storedVersions ?? [];
  const path = 'status.storedVersions';
  if (stored.length === 0)
    return [invalid(path, status?.storedVersions ?? null, 'must have at least one stored version')];
  const errors: FieldError[] = [];
  for (const { name, storage } of spec.versions) {
    if (storage && !stored.includes(name)) errors.push(invalid(path, stored, `must have the storage version ${name}`));
  }
  for (const [i, version] of stored.entries()) {
    if (spec.versions.some(({ name }) => name === version)) continue;
    const detail = `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`;
    errors.push(invalid(`${path}[${i}]`, version, detail));
  }
  return errors;
}

export interface SpecOptions {
  readonly leniency: Leniency;
  readonly expressions: Expressions;
}

/** The parts of a definition that its status does not concern. */
function validateSpec(spec: CustomResourceDefinitionSpec, { leniency, expressions }: SpecOptions): FieldError[] {
  const { group = '', scope = '', names, conversion, preserveUnknownFields } = spec;
  const internal = internalSpec(spec);
  const { versions, common } = internal;
  const errors: FieldError[] = [];
  const wrongGroup = dns1123Subdomain(group);
  if (group === '') errors.push(required('spec.group'));
  else if (wrongGroup.length > 0) errors.push(invalid('spec.group', group, wrongGroup.join(',')));
  else if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
  const scopes = ['Cluster', 'Namespaced'];
  if (scope === '') errors.push(required('spec.scope'));
  else if (!scopes.includes(scope)) errors.push(notSupported('spec.scope', scope, scopes));
  errors.push(...missingSchemas(spec, internal, leniency));
  const schemas = spec.versions.flatMap(({ schema }) => (schema?.openAPIV3Schema ? [schema.openAPIV3Schema] : []));
  if (preserveUnknownFields && schemas.some(hasDefaults)) {
    const detail = 'must be false in order to use defaults in the schema';
    errors.push(invalid('spec.preserveUnknownFields', true, detail));
  }
  const mustBeStructural = !preserveUnknownFields || !leniency.notStructural || schemas.some(needsStructure);
  const options = { mustBeStructural, leniency, expressions };
  for (const [i, version] of versions.entries()) {
    errors.push(...validateVersion(version, `spec.versions[${i}]`, { ...options, internal }));
  }
  errors.push(...versionListErrors(internal));
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names?.[name]) errors.push(required(`spec.names.${name}`));
  }
  if (names) errors.push(...validateNames(names, 'spec.names'));
  errors.push(...validateParts(common, 'spec', { ...options, name: '', hasStatus: spec.versions.some(hasStatus) }));
  if (conversion && conversion.strategy !== 'None' && preserveUnknownFields) {
    const detail = 'must be None if spec.preserveUnknownFields is true';
    errors.push(invalid('spec.conversion.strategy', conversion.strategy, detail));
  }
  return [...errors, ...validateConversion(conversion, 'spec.conversion', leniency)];
}

function missingSchemas(
  { preserveUnknownFields }: CustomResourceDefinitionSpec,
  { versions, common }: InternalSpec,
  { noSchemas }: Leniency,
): FieldError[] {
  if (common.schema?.openAPIV3Schema) return [];
  return versions.flatMap(({ version, schema }, i) => {
    if (schema?.openAPIV3Schema) return [];
    const path = `spec.versions[${i}].schema.openAPIV3Schema`;
    if (!noSchemas) return [required(path)];
    return version.served && !preserveUnknownFields ? [required(path, 'because otherwise all fields are pruned')] : [];
  });
}

function versionListErrors(internal: InternalSpec): FieldError[] {
  const versions = internal.versions.map(({ version }) => version);
  const errors: FieldError[] = [];
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(invalid('spec.versions', goVersions(internal), 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    const detail = 'must have exactly one version marked as storage version';
    errors.push(invalid('spec.versions', goVersions(internal), detail));
  }
  // The internal type names the first version once more.
  const first = versions[0]?.name ?? '';
  const wrong = first === '' ? [] : dns1035Label(first);
  if (wrong.length > 0) errors.push(invalid('spec.version', first, wrong.join(',')));
  return errors;
}

function hasStatus({ subresources }: VersionParts): boolean {
  return subresources?.status !== undefined;
}

function validateNames(names: CustomResourceDefinitionNames, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { plural = '', singular = '', kind = '', listKind = '', shortNames = [], categories = [] } = names;
  const check = (name: string, field: string, prefix = '') => {
    const wrong = dns1035Label(prefix === '' ? name : name.toLowerCase());
    if (wrong.length > 0) errors.push(invalid(`${path}.${field}`, name, prefix + wrong.join(',')));
  };
  const mixedCase = 'may have mixed case, but should otherwise match: ';
  if (plural !== '') check(plural, 'plural');
  if (singular !== '') check(singular, 'singular');
  if (kind !== '') check(kind, 'kind', mixedCase);
  if (listKind !== '') check(listKind, 'listKind', mixedCase);
  for (const [i, name] of shortNames.entries()) check(name, `shortNames[${i}]`);
  if (kind !== '' && kind === listKind) {
    errors.push(invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same'));
  }
  for (const [i, name] of categories.entries()) check(name, `categories[${i}]`);
  return errors;
}

type PartOptions = Omit<RootOptions, 'hasStatus' | 'costly'>;

function validateVersion(
  entry: InternalVersion,
  path: string,
  { internal, ...options }: PartOptions & { readonly internal: InternalSpec },
): FieldError[] {
  const { name = '', deprecated = false, deprecationWarning } = entry.version;
  const wrong = dns1035Label(name);
  return [
    ...(wrong.length > 0 ? [invalid(`${path}.name`, name, wrong.join(','))] : []),
    ...deprecationErrors(deprecated, deprecationWarning).map((message) =>
      invalidPointer(`${path}.deprecationWarning`, deprecationWarning ?? '', message),
    ),
    ...validateParts(entry, path, { ...options, name, hasStatus: hasStatusFor(internal, name) }),
  ];
}

/** Of versions of one name the first counts. */
function hasStatusFor({ versions, common }: InternalSpec, name: string): boolean {
  if (!versions.some(({ subresources }) => subresources)) return hasStatus(common);
  return hasStatus(versions.find(({ version }) => version.name === name) ?? {});
}

function validateParts(
  parts: VersionParts,
  path: string,
  options: PartOptions & { readonly name: string; readonly hasStatus: boolean },
): FieldError[] {
  const { subresources, additionalPrinterColumns = [], selectableFields = [] } = parts;
  const isCommon = path === 'spec';
  const schemaPath = isCommon ? 'spec.validation.openAPIV3Schema' : `${path}.schema.openAPIV3Schema`;
  const { leniency, name } = options;
  const schema = parts.schema?.openAPIV3Schema;
  const errors: FieldError[] = [];
  const ofSchema = schema
    ? validateRootSchema(schema, schemaPath, { ...options, costly: leniency.costly.has(name) })
    : [];
  const columns = additionalPrinterColumns.flatMap((column, i) =>
    validateColumn(column, `${path}.additionalPrinterColumns[${i}]`),
  );
  errors.push(...ofSchema, ...validateSubresources(subresources, `${path}.subresources`), ...columns);
  if (selectableFields.length === 0) return errors;
  const at = `${path}.selectableFields`;
  if (!schema) {
    const detail = isCommon
      ? 'may only be set when validations.schema is included'
      : 'may only be set when `version.schema.openAPIV3Schema` is not included';
    return [...errors, invalid(at, '', detail)];
  }
  const maySurpass = leniency.manySelectableFields.has(name);
  return [...errors, ...validateSelectableFields(selectableFields, schema, { path: at, maySurpass })];
}

function deprecationErrors(deprecated: boolean, warning: string | undefined): string[] {
  if (warning === undefined) return [];
  if (!deprecated) return ['can only be set for deprecated versions'];
  const errors: string[] = [];
  if (Buffer.byteLength(warning) > 256) errors.push('must be <= 256 characters long');
  if (warning === '') errors.push('must not be an empty string');
  // Go's unicode.IsPrint: of spaces, only the plain one.
  const wrong = warning.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (wrong >= 0) {
    const index = Buffer.byteLength(warning.slice(0, wrong));
    errors.push(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`);
  }
  return errors;
}

/** Upstream prints what it has a pointer to as JSON. */
function invalidPointer(path: string, value: string, detail: string): FieldError {
  return { ...invalid(path, value, detail), value: escapeHtml(JSON.stringify(value)) };
}

function validateSubresources(subresources: CustomResourceSubresources | undefined, path: string): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const errors: FieldError[] = [];
  const check = (name: 'specReplicasPath' | 'statusReplicasPath', root: string) => {
    const value = scale[name] ?? '';
    const at = `${path}.scale.${name}`;
    if (value === '') errors.push(required(at));
    else errors.push(...pathErrors(value, at, { roots: [root], detail: `should be a json path under ${root}` }));
  };
  check('specReplicasPath', '.spec');
  check('statusReplicasPath', '.status');
  const { labelSelectorPath = '' } = scale;
  if (labelSelectorPath !== '') {
    const detail = 'should be a json path under either .spec or .status';
    const roots = ['.spec', '.status'];
    errors.push(...pathErrors(labelSelectorPath, `${path}.scale.labelSelectorPath`, { roots, detail }));
  }
  return errors;
}

function pathErrors(
  value: string,
  path: string,
  { roots, detail }: { readonly roots: readonly string[]; readonly detail: string },
): FieldError[] {
  if (!value.startsWith('.')) return [invalid(path, value, 'must be a simple json path starting with .')];
  const isBelow = roots.some((root) => value.startsWith(`${root}.`));
  // The one path that may lead to several roots is a pointer upstream.
  return isBelow ? [] : [roots.length > 1 ? invalidPointer(path, value, detail) : invalid(path, value, detail)];
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function validateColumn(column: CustomResourceColumnDefinition, path: string): FieldError[] {
  const { name = '', type = '', format = '', jsonPath = '' } = column;
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(`${path}.name`));
  const known = `must be one of ${columnTypes.join(',')}`;
  if (type === '') errors.push(required(`${path}.type`, known));
  else if (!columnTypes.includes(type)) errors.push(invalid(`${path}.type`, type, known));
  if (format !== '' && !columnFormats.includes(format)) {
    errors.push(invalid(`${path}.format`, format, `must be one of ${columnFormats.join(',')}`));
  }
  if (jsonPath === '') errors.push(required(`${path}.JSONPath`));
  else if (!jsonPath.startsWith('.')) {
    errors.push(invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .'));
  }
  return errors;
}

function validatePreserve(
  { preserveUnknownFields }: CustomResourceDefinitionSpec,
  old: CustomResourceDefinitionSpec | undefined,
): FieldError[] {
  if (!preserveUnknownFields || old?.preserveUnknownFields) return [];
  const detail =
    'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
  return [invalid('spec.preserveUnknownFields', true, detail)];
}
