// The resources of authorization.k8s.io: "may X do Y?", answered at once by the authorizer.
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../api/authorization/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, invalid } from '../../apimachinery/status.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import type { Attributes, VirtualHandler } from '../extensions.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { RulesAuthorizer } from './authorizer.ts';

interface Asked {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

function attributesOf(user: User, { resourceAttributes, nonResourceAttributes }: Asked): Attributes {
  const nothing = { version: '', group: '', resource: '', subresource: '', namespace: '', name: '', rest: [] };
  const { verb = '', path = '' } = { ...resourceAttributes, ...nonResourceAttributes };
  const { group = '', version = '', resource = '', subresource = '' } = resourceAttributes ?? {};
  const { namespace = '', name = '' } = resourceAttributes ?? {};
  const info: RequestInfo = nonResourceAttributes
    ? { ...nothing, isResource: false, verb, path }
    : { ...nothing, isResource: true, verb, path, group, version, resource, subresource, namespace, name };
  return { user, verb, info, fieldSelector: fieldSelectorOf(resourceAttributes?.fieldSelector) };
}

/** The text of a selector; requirements that say no single value count for nothing, as upstream ignores what it cannot read. */
function fieldSelectorOf(selector: ResourceAttributes['fieldSelector']): string | undefined {
  if (!selector) return undefined;
  if (selector.rawSelector) return selector.rawSelector;
  const single = (selector.requirements ?? []).filter(
    ({ operator, values }) => operator === 'In' && values?.length === 1,
  );
  return single.map(({ key, values }) => `${key}=${values![0]}`).join(',') || undefined;
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** Either the text or its requirements, and those whole (upstream's validation of FieldSelectorAttributes and LabelSelectorAttributes). */
function checkSelectors({ fieldSelector, labelSelector }: ResourceAttributes): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, selector] of [
    ['fieldSelector', fieldSelector],
    ['labelSelector', labelSelector],
  ] as const) {
    if (!selector) continue;
    const path = `spec.resourceAttributes.${name}`;
    const { rawSelector = '', requirements = [] } = selector;
    if (rawSelector === '' && requirements.length === 0) {
      errors.push(
        fieldError.required(
          `${path}.requirements`,
          `when ${path} is specified, requirements or rawSelector is required`,
        ),
      );
    }
    if (rawSelector !== '' && requirements.length > 0) {
      errors.push(
        fieldError.invalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements'),
      );
    }
    requirements.forEach(({ key = '', operator = '', values = [] }, i) => {
      const at = `${path}.requirements[${i}]`;
      if (key === '') errors.push(fieldError.required(`${at}.key`, 'must be specified'));
      if (!operators.includes(operator)) errors.push(fieldError.notSupported(`${at}.operator`, operator, operators));
      else if (operator.endsWith('In') && values.length === 0) {
        errors.push(fieldError.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      } else if (!operator.endsWith('In') && values.length > 0) {
        errors.push(
          fieldError.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
    });
  }
  return errors;
}

function check(kind: string, { resourceAttributes, nonResourceAttributes }: Asked): void {
  const group = 'authorization.k8s.io';
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes';
    throw invalid({ group, kind }, '', [fieldError.invalid('spec.nonResourceAttributes', nonResourceAttributes, why)]);
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw invalid({ group, kind }, '', [fieldError.invalid('spec.resourceAttributes', null, why)]);
  }
  const errors = resourceAttributes ? checkSelectors(resourceAttributes) : [];
  if (errors.length > 0) throw invalid({ group, kind }, '', errors);
}

function subjectOf({ user = '', uid, groups = [], extra }: SubjectAccessReviewSpec): User {
  return { name: user, ...(uid && { uid }), groups, ...(extra && { extra }) };
}

/** `subjectaccessreviews`, `localsubjectaccessreviews`, `selfsubjectaccessreviews`, `selfsubjectrulesreviews`. */
export function accessReviews(authorizer: RulesAuthorizer): Readonly<Record<string, VirtualHandler>> {
  const answer = async (object: KubeObject, attributes: Attributes): Promise<KubeObject> => {
    const { allowed, denied, reason, error } = await authorizer.authorize(attributes);
    const why = { ...(reason && { reason }), ...(error && { evaluationError: error }) };
    return { ...object, status: { allowed, ...(denied && { denied }), ...why } } as KubeObject;
  };
  const subject: VirtualHandler = async (object, { info }) => {
    const { spec } = object as unknown as SubjectAccessReview;
    check(object.kind ?? 'SubjectAccessReview', spec);
    if (!spec.user && !spec.groups?.length) {
      const kind = { group: 'authorization.k8s.io', kind: object.kind ?? 'SubjectAccessReview' };
      throw invalid(kind, '', [fieldError.invalid('spec.user', '', 'at least one of user or group must be specified')]);
    }
    if (info.namespace !== '' && spec.resourceAttributes?.namespace !== info.namespace) {
      throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${info.namespace}`);
    }
    return answer(object, attributesOf(subjectOf(spec), spec));
  };
  return {
    'subjectaccessreviews.authorization.k8s.io': subject,
    'localsubjectaccessreviews.authorization.k8s.io': subject,
    'selfsubjectaccessreviews.authorization.k8s.io': async (object, { user }) => {
      const { spec } = object as unknown as SelfSubjectAccessReview;
      check('SelfSubjectAccessReview', spec);
      return answer(object, attributesOf(user, spec));
    },
    'selfsubjectrulesreviews.authorization.k8s.io': async (object, { user }) => {
      const { spec } = object as unknown as SelfSubjectRulesReview;
      if (!spec?.namespace) throw badRequest('no namespace on request');
      return { ...object, status: rulesStatus(authorizer, user, spec.namespace) } as KubeObject;
    },
  };
}

function rulesStatus(authorizer: RulesAuthorizer, user: User, namespace: string) {
  const { rules, incomplete, error } = authorizer.rulesFor(user, namespace);
  return {
    resourceRules: rules
      .filter((rule) => rule.resources?.length)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter((rule) => rule.nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete,
    ...(error && { evaluationError: error }),
  };
}
