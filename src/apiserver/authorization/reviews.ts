// The resources of authorization.k8s.io: "may X do Y?", answered at once by the authorizer.
import type {
  LocalSubjectAccessReview,
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../api/authorization/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, invalid } from '../../apimachinery/status.ts';
import type { FieldError } from '../../apimachinery/validation/field-error.ts';
import type { Attributes } from '../access-control.ts';
import type { VirtualHandler } from '../extensions.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { RulesAuthorizer } from './authorizer.ts';
import { validateLocalReview, validateSelfReview, validateSubjectReview } from './review-validation.ts';

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

/** Upstream names no kind here. */
function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', errors);
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
  return {
    'subjectaccessreviews.authorization.k8s.io': async (object) => {
      const { spec = {} } = object as unknown as Partial<SubjectAccessReview>;
      refuse(validateSubjectReview(object, spec));
      return answer(object, attributesOf(subjectOf(spec), spec));
    },
    'localsubjectaccessreviews.authorization.k8s.io': async (object) => {
      const { spec = {} } = object as unknown as Partial<LocalSubjectAccessReview>;
      refuse(validateLocalReview(object, spec));
      return answer(object, attributesOf(subjectOf(spec), spec));
    },
    'selfsubjectaccessreviews.authorization.k8s.io': async (object, { user }) => {
      const { spec = {} } = object as unknown as Partial<SelfSubjectAccessReview>;
      refuse(validateSelfReview(object, spec));
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
