import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { validateDomainPrefixedPath } from '../../../validation/domain-prefixed-path.ts';
import { validateRequiredSegment } from '../../../validation/references.ts';
import { immutable } from '../../../validation/values.ts';
import type { IngressClass, IngressClassParametersReference } from '../types.generated.ts';

const { required, forbidden, notSupported, tooLong } = fieldError;

const maxController = 250;

function validateController(controller: string): FieldError[] {
  const field = 'spec.controller';
  return [
    ...(Buffer.byteLength(controller) > maxController ? [tooLong(field, maxController)] : []),
    ...validateDomainPrefixedPath(field, controller),
  ];
}

function validateParameters(parameters: IngressClassParametersReference): FieldError[] {
  const { apiGroup, kind, name, namespace, scope } = parameters;
  const path = 'spec.parameters';
  const errors = [
    ...(apiGroup === undefined ? [] : nameErrors(dns1123Subdomain, `${path}.apiGroup`, apiGroup)),
    ...validateRequiredSegment(`${path}.kind`, kind, 'kind is required'),
    ...validateRequiredSegment(`${path}.name`, name, 'name is required'),
  ];
  const at = `${path}.namespace`;
  if (scope === undefined) return [...errors, required(`${path}.scope`)];
  if (!['Cluster', 'Namespace'].includes(scope)) {
    return [...errors, notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])];
  }
  if (scope === 'Cluster') {
    return namespace === undefined ? errors : [...errors, forbidden(at, "`parameters.scope` is set to 'Cluster'")];
  }
  if (namespace === undefined) return [...errors, required(at, "`parameters.scope` is set to 'Namespace'")];
  return [...errors, ...nameErrors(dns1123Label, at, namespace)];
}

function validate({ spec }: IngressClass): FieldError[] {
  return [
    ...validateController(spec?.controller ?? ''),
    ...(spec?.parameters ? validateParameters(spec.parameters) : []),
  ];
}

export const ingressClass: Kind<IngressClass> = {
  countsGeneration: true,
  strategy: {
    default({ spec }) {
      if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
    },
    validate,
    validateUpdate: (object, old) => [
      ...immutable('spec.controller', object.spec?.controller, old.spec?.controller),
      ...validate(object),
    ],
  },
  columns: [
    nameColumn,
    column('Controller', 'Which program serves it.'),
    column('Parameters', 'Where its settings are.'),
    ageColumn,
  ],
  cells(object, now) {
    const { controller, parameters } = object.spec ?? {};
    const kind = parameters?.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters?.kind;
    const text = parameters ? `${kind}/${parameters.name}` : '<none>';
    return [object.metadata.name, controller ?? '', text, ageCell(object, now)];
  },
};
