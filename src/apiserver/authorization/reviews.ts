// The resources of authorization.k8s.io: "may X do Y?", answered at once by the authorizer.
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../api/authorization/v1/types.generated.ts';
import type { PolicyRule } from '../../api/rbac/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, invalid } from '../../apimachinery/status.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { Attributes, VirtualHandler } from '../extensions.ts';
import type { User } from '../request.ts';
import type { RequestInfo } from '../request-info.ts';
import type { RbacAuthorizer } from './authorizer.ts';

interface Asked {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: NonResourceAttributes;
}

function attributesOf(user: User, { resourceAttributes, nonResourceAttributes }: Asked): Attributes {
  const nothing = { version: '', group: '', resource: '', subresource: '', namespace: '', name: '', rest: [] };
  const { verb = '', path = '' } = { ...resourceAttributes, ...nonResourceAttributes };
  const { group = '', resource = '', subresource = '', namespace = '', name = '' } = resourceAttributes ?? {};
  const info: RequestInfo = nonResourceAttributes
    ? { ...nothing, isResource: false, verb, path }
    : { ...nothing, isResource: true, verb, path, group, resource, subresource, namespace, name };
  return { user, verb, info, fieldSelector: resourceAttributes?.fieldSelector?.rawSelector };
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
}

function subjectOf({ user = '', uid, groups = [], extra }: SubjectAccessReviewSpec): User {
  return { name: user, ...(uid && { uid }), groups, ...(extra && { extra }) };
}

/** `subjectaccessreviews`, `localsubjectaccessreviews`, `selfsubjectaccessreviews`, `selfsubjectrulesreviews`. */
export function accessReviews(authorizer: RbacAuthorizer): Readonly<Record<string, VirtualHandler>> {
  const answer = (object: KubeObject, attributes: Attributes): KubeObject => {
    const { allowed, reason } = authorizer.authorize(attributes);
    return { ...object, status: { allowed, ...(reason && { reason }) } } as KubeObject;
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

function rulesStatus(authorizer: RbacAuthorizer, user: User, namespace: string) {
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const anyPath = { verbs: ['*'], nonResourceURLs: ['*'] };
  const rules: readonly PolicyRule[] = user.groups.includes('system:masters')
    ? [everything, anyPath]
    : [...authorizer.index.rulesFor(user, namespace)];
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
    incomplete: false,
  };
}
