// Admission policies and their bindings. Expressions are compiled by the API server's admission, which refuses wrong ones.
import { deepEqual } from '../../../../apimachinery/json/value.ts';
import { goSelector } from '../../../../apimachinery/selectors/go-selector.ts';
import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1035Label, dns1123Subdomain, qualifiedName } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { Column } from '../../../resource.ts';
import { validateConditions } from '../../../validation/conditions.ts';
import { optionalOneOf } from '../../../validation/values.ts';
import {
  defaultMatchResources,
  failurePolicies,
  validateMatchConditions,
  validateMatchResources,
  validateParamRef,
  validatePolicyName,
} from '../match-resources.ts';
import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
  ParamKind,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from '../types.generated.ts';

const { required, invalid, duplicate, notSupported } = fieldError;

const mostAuditAnnotations = 20;
const longestAuditExpression = 5 * 1024;
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/;
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

function isBlank(text: string | undefined): boolean {
  return (text ?? '').trim() === '';
}

function validateParamKind(kind: ParamKind | undefined, path: string): FieldError[] {
  if (!kind) return [];
  const { apiVersion = '', kind: name = '' } = kind;
  const errors: FieldError[] = [];
  const parts = apiVersion.split('/');
  if (apiVersion === '') errors.push(required(`${path}.apiVersion`));
  else if (parts.length > 2) {
    errors.push(invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else {
    const group = parts.length === 2 ? parts[0]! : '';
    const version = parts.at(-1)!;
    const wrongGroup = group === '' ? [] : dns1123Subdomain(group);
    if (wrongGroup.length > 0) errors.push(invalid(`${path}.apiVersion`, group, wrongGroup.join(',')));
    const wrongVersion = dns1035Label(version);
    if (version === '') errors.push(invalid(`${path}.apiVersion`, apiVersion, 'version must be specified'));
    else if (wrongVersion.length > 0) errors.push(invalid(`${path}.apiVersion`, version, wrongVersion.join(',')));
  }
  const wrongKind = dns1035Label(name.toLowerCase());
  if (name === '') errors.push(required(`${path}.kind`));
  else if (wrongKind.length > 0) {
    const why = `may have mixed case, but should otherwise match: ${wrongKind.join(',')}`;
    errors.push(invalid(`${path}.kind`, name, why));
  }
  return errors;
}

function validateConstraints(constraints: MatchResources | undefined, path: string): FieldError[] {
  if (!constraints) return [required(path)];
  const errors = validateMatchResources(constraints, path);
  if (!constraints.resourceRules?.length) errors.push(required(`${path}.resourceRules`));
  return errors;
}

function validateVariables(variables: readonly Variable[] = [], path: string): FieldError[] {
  return variables.flatMap(({ name, expression }, i) => {
    const errors: FieldError[] = [];
    if (isBlank(name)) errors.push(required(`${path}[${i}].name`, 'name is not specified'));
    else if (!identifier.test(name) || reserved.has(name)) {
      errors.push(invalid(`${path}[${i}].name`, name, 'name is not a valid CEL identifier'));
    }
    if (isBlank(expression)) errors.push(required(`${path}[${i}].expression`, 'expression is not specified'));
    return errors;
  });
}

function validateValidation(
  { expression, message, messageExpression, reason }: Validation,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (isBlank(expression)) errors.push(required(`${path}.expression`, 'expression is not specified'));
  if (messageExpression && isBlank(messageExpression)) {
    errors.push(invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  }
  if (message && isBlank(message)) {
    errors.push(invalid(`${path}.message`, message, 'message must be non-empty if specified'));
  } else if (message && /[\n\r]/.test(message.trim())) {
    errors.push(invalid(`${path}.message`, message, 'message must not contain line breaks'));
  }
  return [...errors, ...optionalOneOf(`${path}.reason`, reason, reasons)];
}

/** What both kinds of policy have. */
function validatePolicy(spec: ValidatingAdmissionPolicy['spec'] | MutatingAdmissionPolicy['spec']): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions, variables } = spec;
  return [
    ...(failurePolicy === undefined
      ? [required('spec.failurePolicy')]
      : optionalOneOf('spec.failurePolicy', failurePolicy, failurePolicies)),
    ...validateParamKind(paramKind, 'spec.paramKind'),
    ...validateConstraints(matchConstraints, 'spec.matchConstraints'),
    ...validateMatchConditions(matchConditions, 'spec.matchConditions'),
    ...validateVariables(variables, 'spec.variables'),
  ];
}

function validateValidatingPolicy({ metadata, spec }: ValidatingAdmissionPolicy): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec;
  const errors = validatePolicy(spec);
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    return [...errors, required('spec.validations', why), required('spec.auditAnnotations', why)];
  }
  errors.push(...validations.flatMap((one, i) => validateValidation(one, `spec.validations[${i}]`)));
  if (auditAnnotations.length > mostAuditAnnotations) {
    const why = `must not have more than ${mostAuditAnnotations} auditAnnotations`;
    errors.push(invalid('spec.auditAnnotations', auditAnnotations, why));
  }
  for (const [i, { key, valueExpression = '' }] of auditAnnotations.entries()) {
    const path = `spec.auditAnnotations[${i}]`;
    if (metadata.name) errors.push(...nameErrors(qualifiedName, `${path}.key`, `${metadata.name}/${key}`));
    else errors.push(invalid(`${path}.key`, key, 'requires metadata.name be non-empty'));
    if (isBlank(valueExpression)) errors.push(required(`${path}.valueExpression`, 'valueExpression is not specified'));
    else if (Buffer.byteLength(valueExpression.trim()) > longestAuditExpression) {
      errors.push(required(`${path}.valueExpression`, `must not exceed ${longestAuditExpression} bytes in length`));
    }
    if (auditAnnotations.findIndex((one) => one.key === key) < i) errors.push(duplicate(`${path}.key`, key));
  }
  return errors;
}

function validateTypeChecking({ status }: ValidatingAdmissionPolicy): FieldError[] {
  const warnings = status?.typeChecking?.expressionWarnings ?? [];
  return [
    ...warnings.flatMap(({ warning, fieldRef }, i) => {
      const at = `status.typeChecking.expressionWarnings[${i}]`;
      return [
        ...(warning ? [] : [required(`${at}.warning`)]),
        ...(isBlank(fieldRef) ? [required(`${at}.fieldRef`)] : []),
      ];
    }),
    ...validateConditions(status?.conditions, 'status.conditions'),
  ];
}

const actions = ['Audit', 'Deny', 'Warn'];

function validateActions(given: readonly string[] = [], path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, action] of given.entries()) {
    if (!actions.includes(action)) errors.push(notSupported(`${path}[${i}]`, action, actions));
    if (given.indexOf(action) < i) errors.push(duplicate(`${path}[${i}]`, action));
  }
  if (given.includes('Deny') && given.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalid(path, given, why));
  }
  if (given.length === 0) errors.push(required(path, 'at least one validation action is required'));
  return errors;
}

function validateMutation({ patchType, applyConfiguration, jsonPatch }: Mutation, path: string): FieldError[] {
  const types = ['ApplyConfiguration', 'JSONPatch'];
  if (!patchType) return [required(`${path}.patchType`)];
  if (!types.includes(patchType)) return [notSupported(`${path}.patchType`, patchType, types)];
  const [wanted, other, field] =
    patchType === 'JSONPatch'
      ? [jsonPatch, applyConfiguration, 'jsonPatch']
      : [applyConfiguration, jsonPatch, 'applyConfiguration'];
  const errors: FieldError[] = [];
  if (!wanted) errors.push(required(`${path}.${field}`, `must be specified when patchType is ${patchType}`));
  else if (isBlank(wanted.expression))
    errors.push(required(`${path}.${field}.expression`, 'expression is not specified'));
  if (other) {
    const unwanted = field === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
    errors.push(invalid(`${path}.${unwanted}`, other, `must not be specified when patchType is ${patchType}`));
  }
  return errors;
}

function validateMutatingPolicy({ spec }: MutatingAdmissionPolicy): FieldError[] {
  const { mutations = [], reinvocationPolicy } = spec;
  return [
    ...validatePolicy(spec),
    ...(mutations.length === 0 ? [required('spec.mutations', 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((one, i) => validateMutation(one, `spec.mutations[${i}]`)),
    ...(reinvocationPolicy
      ? optionalOneOf('spec.reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never'])
      : [required('spec.reinvocationPolicy')]),
  ];
}

interface PolicyDetails<T> {
  /** How many of what the policy has, in its second column. */
  readonly counted: Column;
  readonly count: (object: T) => number;
  readonly default?: (object: T) => void;
  readonly validate: (object: T) => FieldError[];
  readonly validateStatusUpdate?: (object: T) => FieldError[];
}

function policyKind<T extends ValidatingAdmissionPolicy | MutatingAdmissionPolicy>(own: PolicyDetails<T>): Kind<T> {
  return {
    countsGeneration: true,
    allowUnconditionalUpdate: false,
    statusKeeps: 'metadata',
    columns: [nameColumn, own.counted, column('ParamKind', 'The kind of the parameters.'), ageColumn],
    cells: (object, now) => [
      object.metadata.name,
      own.count(object),
      paramKindCell(object.spec.paramKind),
      ageCell(object, now),
    ],
    strategy: {
      default(object) {
        object.spec.failurePolicy ??= 'Fail';
        own.default?.(object);
        defaultMatchResources(object.spec.matchConstraints);
      },
      validate: own.validate,
      validateUpdate: (object, old) => (deepEqual(object.spec, old.spec) ? [] : own.validate(object)),
      ...(own.validateStatusUpdate && { validateStatusUpdate: own.validateStatusUpdate }),
    },
  };
}

function paramKindCell(kind: ParamKind | undefined): string {
  return kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>';
}

export const validatingAdmissionPolicy = policyKind<ValidatingAdmissionPolicy>({
  counted: column('Validations', 'How many validations there are.', { type: 'integer' }),
  count: ({ spec }) => spec.validations?.length ?? 0,
  validate: validateValidatingPolicy,
  validateStatusUpdate: validateTypeChecking,
});

export const mutatingAdmissionPolicy = policyKind<MutatingAdmissionPolicy>({
  counted: column('Mutations', 'How many mutations there are.', { type: 'integer' }),
  count: ({ spec }) => spec.mutations?.length ?? 0,
  default({ spec }) {
    spec.reinvocationPolicy ??= 'Never';
  },
  validate: validateMutatingPolicy,
});

type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

function bindingKind<T extends Binding>(more: (object: T) => FieldError[]): Kind<T> {
  const validate = (object: T) => [
    ...validatePolicyName(object.spec.policyName, 'spec.policyName'),
    ...validateParamRef(object.spec.paramRef, 'spec.paramRef'),
    ...validateMatchResources(object.spec.matchResources, 'spec.matchResources'),
    ...more(object),
  ];
  return {
    countsGeneration: true,
    allowUnconditionalUpdate: false,
    columns: [
      nameColumn,
      column('PolicyName', 'The policy that is bound.'),
      column('ParamRef', 'The parameters.'),
      ageColumn,
    ],
    cells: (object, now) => [
      object.metadata.name,
      object.spec.policyName ?? '',
      paramRefCell(object),
      ageCell(object, now),
    ],
    strategy: {
      default: ({ spec }) => defaultMatchResources(spec.matchResources),
      validate,
      validateUpdate: (object, old) => (deepEqual(object.spec, old.spec) ? [] : validate(object)),
    },
  };
}

function paramRefCell({ spec: { paramRef } }: Binding): string {
  // Nobody can tell here whether the kind of the parameters has namespaces.
  if (paramRef?.name) return `${paramRef.namespace || '*'}/${paramRef.name}`;
  return paramRef?.selector ? goSelector(paramRef.selector) : '<unset>';
}

export const validatingAdmissionPolicyBinding = bindingKind<ValidatingAdmissionPolicyBinding>(({ spec }) =>
  validateActions(spec.validationActions, 'spec.validationActions'),
);

export const mutatingAdmissionPolicyBinding = bindingKind<MutatingAdmissionPolicyBinding>(() => []);
