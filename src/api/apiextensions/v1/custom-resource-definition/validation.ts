// Validation of definitions, in upstream's words and order (pkg/apis/apiextensions/validation).
import { jsonEqual } from '../../../../apimachinery/json/value.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label, dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { immutableMessage } from '../../../../apimachinery/validation/object-meta.ts';
import type { JSONSchemaProps } from '../../schema/props.ts';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
} from '../types.generated.ts';
import { isConditionTrue } from './conditions.ts';
import { validateConversion } from './conversion.ts';
import { validateDefaultValues } from './default-values.ts';
import { validateSchemaRules } from './schema-rules.ts';
import { validateSelectableFields } from './selectable-fields.ts';
import { isSchema, validateStructural } from './structural.ts';

const { required, forbidden, invalid, notSupported } = fieldError;

/** Beside metadata, which the generic rules see to. */
export function validateDefinition(definition: CustomResourceDefinition): FieldError[] {
  return [
    ...validateName(definition),
    ...validateSpec(definition.spec),
    ...validateStatus(definition),
    ...validateStoredVersions(definition),
    ...validateApproval(definition),
    ...validatePreserve(definition.spec, undefined),
  ];
}

function validateName({ metadata, spec }: CustomResourceDefinition): FieldError[] {
  const { names, group } = spec;
  if (metadata.name === `${names?.plural ?? ''}.${group ?? ''}`) return [];
  return [invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')];
}

export function validateDefinitionUpdate(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition,
): FieldError[] {
  const { spec } = definition;
  const errors = validateSpec(spec);
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

export function validateStoredVersions({ spec, status }: CustomResourceDefinition): FieldError[] {
  const stored = status?.storedVersions ?? [];
  const path = 'status.storedVersions';
  if (stored.length === 0) return [invalid(path, stored, 'must have at least one stored version')];
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

/** The parts of a definition that its status does not concern. */
export function validateSpec(spec: CustomResourceDefinitionSpec): FieldError[] {
  const { group = '', scope = '', versions = [], names } = spec;
  const errors: FieldError[] = [];
  const wrongGroup = dns1123Subdomain(group);
  if (group === '') errors.push(required('spec.group'));
  else if (wrongGroup.length > 0) errors.push(invalid('spec.group', group, wrongGroup.join(',')));
  else if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'));
  const scopes = ['Cluster', 'Namespaced'];
  if (scope === '') errors.push(required('spec.scope'));
  else if (!scopes.includes(scope)) errors.push(notSupported('spec.scope', scope, scopes));
  for (const [i, { schema }] of versions.entries()) {
    if (isSchema(schema?.openAPIV3Schema)) continue;
    errors.push(required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'));
  }
  for (const [i, version] of versions.entries()) {
    const path = `spec.versions[${i}]`;
    const wrong = dns1035Label(version.name ?? '');
    if (wrong.length > 0) errors.push(invalid(`${path}.name`, version.name ?? '', wrong.join(',')));
    errors.push(...validateVersion(version, path));
  }
  const versionNames = versions.map(({ name }) => name);
  if (new Set(versionNames).size < versionNames.length) {
    errors.push(invalid('spec.versions', versions, 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names?.[name]) errors.push(required(`spec.names.${name}`));
  }
  if (names) errors.push(...validateNames(names, 'spec.names'));
  const { conversion, preserveUnknownFields } = spec;
  if (conversion && conversion.strategy !== 'None' && preserveUnknownFields) {
    const detail = 'must be None if spec.preserveUnknownFields is true';
    errors.push(invalid('spec.conversion.strategy', conversion.strategy, detail));
  }
  return [...errors, ...validateConversion(conversion, 'spec.conversion')];
}

function validateNames(names: CustomResourceDefinitionNames, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { plural = '', singular = '', kind = '', listKind = '', shortNames = [], categories = [] } = names;
  const check = (name: string, field: string, options: { readonly mixedCase: boolean }) => {
    const wrong = name === '' ? [] : dns1035Label(options.mixedCase ? name.toLowerCase() : name);
    const prefix = options.mixedCase ? 'may have mixed case, but should otherwise match: ' : '';
    if (wrong.length > 0) errors.push(invalid(`${path}.${field}`, name, prefix + wrong.join(',')));
  };
  check(plural, 'plural', { mixedCase: false });
  check(singular, 'singular', { mixedCase: false });
  check(kind, 'kind', { mixedCase: true });
  check(listKind, 'listKind', { mixedCase: true });
  for (const [i, name] of shortNames.entries()) check(name, `shortNames[${i}]`, { mixedCase: false });
  if (kind !== '' && kind === listKind) {
    errors.push(invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same'));
  }
  for (const [i, name] of categories.entries()) check(name, `categories[${i}]`, { mixedCase: false });
  return errors;
}

function validateVersion(version: CustomResourceDefinitionVersion, path: string): FieldError[] {
  const { deprecated = false, deprecationWarning, schema, subresources, additionalPrinterColumns = [] } = version;
  const errors = deprecationErrors(deprecated, deprecationWarning).map((message) =>
    invalid(`${path}.deprecationWarning`, deprecationWarning, message),
  );
  const root = schema?.openAPIV3Schema;
  if (isSchema(root)) errors.push(...validateRootSchema(root, subresources, `${path}.schema`));
  errors.push(...validateSubresources(subresources, `${path}.subresources`));
  for (const [i, column] of additionalPrinterColumns.entries()) {
    errors.push(...validateColumn(column, `${path}.additionalPrinterColumns[${i}]`));
  }
  const fields = version.selectableFields ?? [];
  if (fields.length > 0 && isSchema(root)) {
    errors.push(...validateSelectableFields(fields, root, `${path}.selectableFields`));
  }
  return errors;
}

function deprecationErrors(deprecated: boolean, warning: string | undefined): string[] {
  if (warning === undefined) return [];
  if (!deprecated) return ['can only be set for deprecated versions'];
  const errors: string[] = [];
  if (Buffer.byteLength(warning) > 256) errors.push('must be <= 256 characters long');
  if (warning === '') errors.push('must not be an empty string');
  const wrong = warning.search(/[^\P{C}]|[\p{Zl}\p{Zp}]/u);
  if (wrong >= 0) {
    errors.push(`must only contain printable UTF-8 characters; non-printable character found at index ${wrong}`);
  }
  return errors;
}

/** Go's names of the fields that may stand at the root of a schema beside a status subresource. */
const allowedAtRoot =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';

function isAllowedAtRoot(name: string): boolean {
  const goName = name.startsWith('x-kubernetes-')
    ? `X${name.slice('x-kubernetes'.length).replace(/-(\w)/g, (_, c: string) => c.toUpperCase())}`
    : name.replace(/^\w/, (c) => c.toUpperCase());
  return allowedAtRoot.split(' ').includes(goName);
}

function validateRootSchema(
  schema: JSONSchemaProps,
  subresources: CustomResourceSubresources | undefined,
  path: string,
): FieldError[] {
  const at = `${path}.openAPIV3Schema`;
  const errors: FieldError[] = [];
  if (subresources?.status !== undefined) {
    if (schema.type && schema.type !== 'object') {
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      errors.push(invalid(`${at}.type`, schema.type, detail));
    }
    if (!Object.keys(schema).every(isAllowedAtRoot)) {
      const detail = `only [${allowedAtRoot}] fields are allowed at the root of the schema if the status subresource is enabled`;
      errors.push(invalid(at, schema, detail));
    }
  }
  if (schema.nullable) errors.push(forbidden(`${at}.nullable`, 'nullable cannot be true at the root'));
  const structural = validateStructural(schema, at);
  errors.push(...(structural.length > 0 ? structural : validateDefaultValues(schema, at)));
  return [...errors, ...validateSchemaRules(schema, at)];
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
  return roots.some((root) => value.startsWith(`${root}.`)) ? [] : [invalid(path, value, detail)];
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

const approval = 'api-approved.kubernetes.io';

/** Groups of Kubernetes itself need to say where they were approved. */
function validateApproval({ metadata, spec }: CustomResourceDefinition, old?: CustomResourceDefinition): FieldError[] {
  const { group = '' } = spec;
  const isProtected = /(^|\.)(k8s\.io|kubernetes\.io)$/.test(group);
  const value = metadata.annotations?.[approval];
  if (!isProtected || (old && approvalState(old.metadata.annotations?.[approval]) === approvalState(value))) return [];
  const path = `metadata.annotations[${approval}]`;
  switch (approvalState(value)) {
    case 'missing':
      return [
        required(
          path,
          `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`,
        ),
      ];
    case 'invalid': {
      const detail = `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`;
      return [invalid(path, value, detail)];
    }
    default:
      return [];
  }
}

function approvalState(value: string | undefined): 'missing' | 'approved' | 'bypassed' | 'invalid' {
  if (value === undefined || value === '') return 'missing';
  if (value.startsWith('unapproved')) return 'bypassed';
  const url = URL.parse(value);
  return url !== null && url.host !== '' ? 'approved' : 'invalid';
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
