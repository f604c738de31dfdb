import { type FieldError, fieldError } from '../../../../apimachinery/validation/field-error.ts';
import { dns1123Label, dns1123Subdomain, pathSegment } from '../../../../apimachinery/validation/names.ts';
import { nameErrors } from '../../../../apimachinery/validation/object-meta.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import { immutable, requiredText } from '../../../validation/values.ts';
import type { IngressClass, IngressClassParametersReference } from '../types.generated.ts';

const { required, forbidden, notSupported, tooLong, invalid } = fieldError;

const maxController = 250;

/** `example.com/ingress-controller`. */
function validateController(controller: string): FieldError[] {
  const field = 'spec.controller';
  const slash = controller.indexOf('/');
  if (controller === '') return [required(field)];
  const errors: FieldError[] = [];
  if (slash <= 0 || slash === controller.length - 1) {
    errors.push(invalid(field, controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  } else {
    const domain = controller.slice(0, slash);
    errors.push(...dns1123Subdomain(domain).map((message) => invalid(field, domain, message)));
  }
  return controller.length > maxController ? [tooLong(field, maxController), ...errors] : errors;
}

function validateParameters(parameters: IngressClassParametersReference): FieldError[] {
  const { apiGroup, kind, name, namespace, scope } = parameters;
  const path = 'spec.parameters';
  const segment = (field: string, text: string): FieldError[] =>
    text ? nameErrors(pathSegment, `${path}.${field}`, text) : [required(`${path}.${field}`)];
  const errors = [
    ...(apiGroup === undefined ? [] : nameErrors(dns1123Subdomain, `${path}.aPIGroup`, apiGroup)),
    ...segment('kind', kind),
    ...segment('name', name),
    ...(namespace === undefined ? [] : nameErrors(dns1123Label, `${path}.namespace`, namespace)),
  ];
  const at = `${path}.namespace`;
  if (scope === undefined) return [...errors, required(`${path}.scope`)];
  if (!['Cluster', 'Namespace'].includes(scope)) {
    return [...errors, notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])];
  }
  if (scope === 'Namespace') {
    return [...errors, ...requiredText(at, namespace, "`parameters.scope` is set to 'Namespace'")];
  }
  if (namespace === undefined) return errors;
  return [...errors, forbidden(at, "`parameters.scope` is set to 'Cluster'")];
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
      ...validate(object),
      ...immutable('spec.controller', object.spec?.controller, old.spec?.controller),
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
