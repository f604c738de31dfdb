// Label selectors: requirements on labels, from their text form (`app=a,tier in (x,y),!old`) or from the LabelSelector
// object of the API. Grammar, texts and errors are those of k8s.io/apimachinery/pkg/labels.

import type { LabelSelector as LabelSelectorObject } from '../meta/v1.generated.ts';
import { badRequest } from '../status.ts';
import { table } from '../table.ts';
import { parseRequirements } from './label-parser.ts';
import { integerOf, type LabelOperator, type Requirement, requirement } from './requirement.ts';

/** All requirements must hold; none at all selects everything. Sorted by key. */
export type LabelSelector = readonly Requirement[];
export type Labels = Readonly<Record<string, string>> | undefined;

/**
 * Reads the text form, as in the query parameter `labelSelector`. Empty text selects everything. Throws a 400
 * StatusError worded as kube-apiserver's.
 */
export function parseLabelSelector(text: string): LabelSelector {
  const result = parseRequirements(text);
  if (typeof result === 'string') throw badRequest(result);
  return sorted(result);
}

/**
 * Reads the object form. `undefined` selects nothing (the result is undefined), `{}` everything. Objects that passed
 * validation give no errors; others give the text of the first one, thrown as a 400 StatusError.
 */
export function labelSelectorOf(selector: LabelSelectorObject | undefined): LabelSelector | undefined {
  if (selector === undefined) return undefined;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: '=', values: [value] });
  }
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = objectOperators[operator];
    if (!known) throw badRequest(`"${operator}" is not a valid label selector operator`);
    const made = requirement(key, known, values);
    if (typeof made === 'string') throw badRequest(made);
    requirements.push(made);
  }
  return sorted(requirements);
}

/** A selector that wants exactly these labels (a Service's `spec.selector`). */
export function selectorFromLabels(labels: Readonly<Record<string, string>>): LabelSelector {
  return sorted(Object.entries(labels).map(([key, value]) => ({ key, operator: '=', values: [value] })));
}

const objectOperators = table<LabelOperator>({
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
});

/** Does an object with these labels meet all requirements? */
export function matchesLabels(selector: LabelSelector, labels: Labels): boolean {
  for (const one of selector) if (!meets(one, labels)) return false;
  return true;
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const has = labels !== undefined && Object.hasOwn(labels, key);
  const value = has ? labels[key]! : '';
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return has && values.includes(value);
    case 'notin':
    case '!=':
      return !has || !values.includes(value);
    case 'exists':
      return has;
    case '!':
      return !has;
    case '>':
    case '<': {
      const [left, right] = [integerOf(value), integerOf(values[0]!)];
      if (left === undefined || right === undefined) return false;
      return operator === '>' ? left > right : left < right;
    }
  }
}

/** The text form: what `parseLabelSelector` reads back to the same selector. */
export function printLabelSelector(selector: LabelSelector): string {
  return selector.map(printRequirement).join(',');
}

function printRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

function sorted(requirements: Requirement[]): Requirement[] {
  return requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
