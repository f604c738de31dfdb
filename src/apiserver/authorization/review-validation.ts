// What a review of authorization.k8s.io must be: the rules and words of upstream's validation. Pure.
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SubjectAccessReviewSpec,
} from '../../api/authorization/v1/types.generated.ts';
import type { FieldSelectorRequirement, LabelSelectorRequirement } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { labelValueRule, qualifiedName } from '../../apimachinery/validation/names.ts';
import { nameErrors } from '../../apimachinery/validation/object-meta.ts';

const { invalid, required, forbidden } = fieldError;

type Spec = Partial<SubjectAccessReviewSpec>;

/** What is asked for, of whomever. */
export function validateSelfReview(object: Readonly<KubeObject>, spec: Spec): FieldError[] {
  return [...validateAsked(spec), ...validateSelectors(spec), ...validateMetadata(object, 'must be empty')];
}

export function validateSubjectReview(object: Readonly<KubeObject>, spec: Spec): FieldError[] {
  return [...validateSubject(spec), ...validateMetadata(object, 'must be empty')];
}

/** The one of a namespace: it has no other, and paths belong to none. */
export function validateLocalReview(object: Readonly<KubeObject>, spec: Spec): FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const errors = [...validateSubject(spec), ...validateMetadata(object, 'must be empty except for namespace')];
  const { namespace = '' } = resourceAttributes ?? {};
  if (resourceAttributes && namespace !== object.metadata.namespace) {
    errors.push(invalid('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'));
  }
  if (nonResourceAttributes) {
    const printed = asGo(nonResourceAttributes);
    errors.push(invalid('spec.nonResourceAttributes', printed, 'disallowed on this kind of request'));
  }
  return errors;
}

function validateSubject(spec: Spec): FieldError[] {
  const { user = '', groups = [] } = spec;
  const why = 'at least one of user or group must be specified';
  const unknown = user === '' && groups.length === 0 ? [invalid('spec.user', '', why)] : [];
  return [...validateAsked(spec), ...unknown, ...validateSelectors(spec)];
}

function validateAsked({ resourceAttributes, nonResourceAttributes }: Spec): FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes';
    return [invalid('spec.nonResourceAttributes', asGo(nonResourceAttributes), why)];
  }
  if (resourceAttributes || nonResourceAttributes) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalid('spec.resourceAttributes', null, why)];
}

/** As upstream prints its internal type, which has no names for JSON. */
function asGo({ path = '', verb = '' }: NonResourceAttributes): object {
  return { Path: path, Verb: verb };
}

/** Nobody keeps a review. */
function validateMetadata({ metadata }: Readonly<KubeObject>, why: string): FieldError[] {
  const { namespace: _namespace, managedFields: _fields, ...rest } = metadata;
  const isNothing = (value: unknown) => !value || (typeof value === 'object' && Object.keys(value).length === 0);
  return Object.values(rest).every(isNothing) ? [] : [invalid('metadata', rest, why)];
}

function validateSelectors({ resourceAttributes }: Spec): FieldError[] {
  const { fieldSelector, labelSelector }: ResourceAttributes = resourceAttributes ?? {};
  const path = 'spec.resourceAttributes';
  return [
    ...validateSelector(fieldSelector, `${path}.fieldSelector`, validateFieldRequirement),
    ...validateSelector(labelSelector, `${path}.labelSelector`, validateLabelRequirement),
  ];
}

type Requirement = FieldSelectorRequirement | LabelSelectorRequirement;

/** Either the text or its requirements, and those whole. */
function validateSelector(
  selector: { readonly rawSelector?: string; readonly requirements?: readonly Requirement[] } | undefined,
  path: string,
  validate: (requirement: Requirement, path: string) => FieldError[],
): FieldError[] {
  if (!selector) return [];
  const { rawSelector = '', requirements = [] } = selector;
  const errors: FieldError[] = [];
  if (rawSelector !== '' && requirements.length > 0) {
    errors.push(invalid(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements'));
  }
  if (rawSelector === '' && requirements.length === 0) {
    const why = `when ${path} is specified, requirements or rawSelector is required`;
    errors.push(required(`${path}.requirements`, why));
  }
  return [...errors, ...requirements.flatMap((one, i) => validate(one, `${path}.requirements[${i}]`))];
}

function validateFieldRequirement(requirement: Requirement, path: string): FieldError[] {
  const errors = validateValues(requirement, path);
  return requirement.key ? errors : [required(`${path}.key`, 'must be specified'), ...errors];
}

function validateLabelRequirement(requirement: Requirement, path: string): FieldError[] {
  const { key = '', values = [] } = requirement;
  return [
    ...validateValues(requirement, path),
    ...nameErrors(qualifiedName, `${path}.key`, key),
    ...values.flatMap((value, i) => nameErrors(labelValueRule, `${path}.values[${i}]`, value)),
  ];
}

/** Of operators that are not known nothing is said: a newer client may know them. */
function validateValues({ operator, values = [] }: Requirement, path: string): FieldError[] {
  if (['In', 'NotIn'].includes(operator) && values.length === 0) {
    return [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
  }
  if (['Exists', 'DoesNotExist'].includes(operator) && values.length > 0) {
    return [forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
  }
  return [];
}
