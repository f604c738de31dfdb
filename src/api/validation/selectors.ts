// Selectors as objects of the API: of labels, and of nodes by labels and name.
import type { LabelSelector } from '../../apimachinery/meta/v1.generated.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { dns1123Subdomain, labelValueRule, qualifiedName } from '../../apimachinery/validation/names.ts';
import { nameErrors, validateLabels } from '../../apimachinery/validation/object-meta.ts';
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../core/v1/types.generated.ts';

const { required, forbidden, invalid } = fieldError;

export function validateLabelSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  const errors = validateLabels(selector?.matchLabels, `${path}.matchLabels`);
  for (const [i, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${i}]`;
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
    } else {
      errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    errors.push(...nameErrors(qualifiedName, `${at}.key`, key));
    for (const [j, value] of values.entries()) errors.push(...nameErrors(labelValueRule, `${at}.values[${j}]`, value));
  }
  return errors;
}

export function isEmptyLabelSelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions?.length ?? 0) === 0;
}

/** Terms that are alternatives; there must be one. */
export function validateNodeSelector(selector: NodeSelector, path: string): FieldError[] {
  const at = `${path}.nodeSelectorTerms`;
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateNodeSelectorTerm(term, `${at}[${i}]`, { strictValues: true }));
}

/** `strictValues`: values are held to what a label's value can be, which preferences need not be. */
export function validateNodeSelectorTerm(
  term: NodeSelectorTerm,
  path: string,
  { strictValues }: { readonly strictValues: boolean },
): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, i) => {
      const at = `${path}.matchExpressions[${i}]`;
      const errors = validateNodeRequirement(requirement, at);
      return strictValues ? [...errors, ...validateValues(requirement, at)] : errors;
    }),
    ...(term.matchFields ?? []).flatMap((requirement, i) =>
      validateNodeField(requirement, `${path}.matchFields[${i}]`),
    ),
  ];
}

function validateNodeRequirement({ key, operator, values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${path}.values`;
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1) {
      errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
    }
  } else {
    errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  }
  return [...errors, ...nameErrors(qualifiedName, `${path}.key`, key)];
}

function validateValues({ values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  return values.flatMap((value, i) => nameErrors(labelValueRule, `${path}.values[${i}]`, value));
}

/** Of a node's fields only the name can be asked for. */
function validateNodeField({ key, operator, values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(required(`${path}.values`, why));
  }
  if (key !== 'metadata.name') return [...errors, invalid(`${path}.key`, key, 'not a valid field selector key')];
  return [...errors, ...values.flatMap((value, i) => nameErrors(dns1123Subdomain, `${path}.values[${i}]`, value))];
}
