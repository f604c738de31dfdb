// Evaluates the rules of a schema over an object, and over its former state where they speak of it. What an update leaves
// as it was is not checked again.

import { childPath } from '../../api/apiextensions/schema/props.ts';
import type { ValidationRule } from '../../api/apiextensions/v1/types.generated.ts';
import { isObject, jsonEqual } from '../../apimachinery/json/value.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import type { Program } from '../../cel/compile.ts';
import { fromJson, none, Optional, type Value } from '../../cel/values.ts';
import type { CompiledRule, RuleNode } from './rule-compiler.ts';

/** What all rules of one write may cost together (apiserver/pkg/apis/cel, RuntimeCELCostBudget). */
const runtimeBudget = 10_000_000;
const longestMessage = 5 * 1024;

interface Pass {
  readonly errors: FieldError[];
  budget: number;
}

interface Place {
  readonly path: string;
  readonly old: unknown;
  /** The value, or something around it, is what it was. */
  readonly isUnchanged: boolean;
}

export function checkRules(root: RuleNode, object: unknown, old: unknown): FieldError[] {
  const pass: Pass = { errors: [], budget: runtimeBudget };
  checkNode(root, object, { pass, place: { path: '', old, isUnchanged: false } });
  return pass.errors;
}

interface Here {
  readonly pass: Pass;
  readonly place: Place;
}

function checkNode(node: RuleNode, value: unknown, { pass, place }: Here): void {
  if (value === null || value === undefined || pass.budget < 0) return;
  const isUnchanged =
    place.isUnchanged || (place.old !== undefined && place.path !== '' && jsonEqual(value, place.old));
  const here = { pass, place: { ...place, isUnchanged } };
  checkOwnRules(node, value, here);
  if (Array.isArray(value)) checkItems(node, value, here);
  else if (isObject(value)) checkProperties(node, value, here);
}

function checkProperties(node: RuleNode, object: { readonly [key: string]: unknown }, { pass, place }: Here): void {
  const old = isObject(place.old) ? place.old : {};
  for (const [key, value] of Object.entries(object)) {
    const named = node.properties.get(key);
    const below = named ?? (ownValue(node.schema.properties, key) ? undefined : node.additional);
    if (!below) continue;
    const path = named ? childPath(place.path, key) : `${place.path}[${key}]`;
    checkNode(below, value, { pass, place: { path, old: ownValue(old, key), isUnchanged: place.isUnchanged } });
  }
}

function checkItems({ items, schema }: RuleNode, list: readonly unknown[], { pass, place }: Here): void {
  if (!items) return;
  const names = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined;
  const keyOf = (item: unknown) => JSON.stringify(names?.map((name) => (isObject(item) ? item[name] : null)));
  const olds =
    names && Array.isArray(place.old) ? new Map(place.old.map((item: unknown) => [keyOf(item), item])) : undefined;
  for (const [i, item] of list.entries()) {
    const path = `${place.path}[${i}]`;
    checkNode(items, item, { pass, place: { path, old: olds?.get(keyOf(item)), isUnchanged: place.isUnchanged } });
  }
}

function checkOwnRules(node: RuleNode, value: unknown, here: Here): void {
  if (node.rules.length === 0) return;
  const { pass, place } = here;
  const self = fromJson(value, node.type);
  const old = place.old === undefined || place.old === null ? undefined : fromJson(place.old, node.type);
  for (const compiled of node.rules) {
    if (pass.budget < 0) return;
    if (place.isUnchanged && !compiled.usesOldSelf) continue;
    const isOptional = compiled.rule.optionalOldSelf === true;
    // A transition without a former state is none.
    if (compiled.usesOldSelf && old === undefined && !isOptional) continue;
    const oldSelf: Value = isOptional ? (old === undefined ? none : new Optional(old)) : (old ?? null);
    evaluateRule(compiled, { self, oldSelf }, { value, here });
  }
}

function evaluateRule(
  { rule, program, message }: CompiledRule,
  bindings: { readonly self: Value; readonly oldSelf: Value },
  { value, here }: { readonly value: unknown; readonly here: Here },
): void {
  const { pass, place } = here;
  const shown = printable(value);
  const at = place.path === '' ? '<nil>' : place.path;
  const refuse = (detail: string) => pass.errors.push(invalid(at, shown, detail));
  const result = program.evaluate(bindings);
  if (result.cost > pass.budget) {
    pass.budget = -1;
    refuse('validation failed due to running out of cost budget, no further validation rules will be run');
    return;
  }
  pass.budget -= result.cost;
  if (result.error !== undefined) {
    if (result.isOverBudget) {
      pass.budget = -1;
      refuse(
        `'${result.error}': no further validation rules will be run due to call cost exceeds limit for rule: ${named(rule)}`,
      );
    } else if (result.error.startsWith('no such overload')) {
      const why = 'call arguments did not match a supported operator, function or macro signature for rule';
      refuse(`'${result.error}': ${why}: ${named(rule)}`);
    } else refuse(`${result.error} evaluating rule: ${named(rule)}`);
    return;
  }
  if (result.value === true) return;
  const detail = (message && messageOf(message, bindings, pass)) ?? defaultMessage(rule);
  const normalized = (rule.fieldPath ?? '').trim().replace(/^\./, '');
  const path = normalized === '' ? at : childPath(place.path, bracketed(normalized));
  pass.errors.push(errorFor(rule.reason, { path, shown, detail }));
}

/** `['a.b']` in a path of a rule is `[a.b]` in an error, unless it is a plain name. */
function bracketed(path: string): string {
  return path
    .replace(/\['((?:[^'\\]|\\.)*)'\]/g, (_, name: string) => `.${name.replace(/\\(.)/g, '$1')}`)
    .replace(/^\./, '');
}

function named({ rule, message = '' }: ValidationRule): string {
  return message === '' ? rule.trim() : message.trim();
}

function defaultMessage(rule: ValidationRule): string {
  return rule.message ? rule.message.trim() : `failed rule: ${named(rule)}`;
}

function messageOf(program: Program, bindings: Readonly<Record<string, Value>>, pass: Pass): string | undefined {
  const { value, cost } = program.evaluate(bindings);
  pass.budget -= cost;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.includes('\n') || text.length > longestMessage ? undefined : text;
}

/** Simple values are shown; of others nothing is. */
function printable(value: unknown): unknown {
  return typeof value === 'object' ? undefined : value;
}

function invalid(path: string, shown: unknown, detail: string): FieldError {
  const error = fieldError.invalid(path, shown, detail);
  if (shown !== undefined) return error;
  const { value: _, ...without } = error;
  return without;
}

function errorFor(
  reason: string | undefined,
  { path, shown, detail }: { readonly path: string; readonly shown: unknown; readonly detail: string },
): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return fieldError.forbidden(path, detail);
    case 'FieldValueRequired':
      return fieldError.required(path, detail);
    case 'FieldValueDuplicate':
      return { ...invalid(path, shown, ''), type: 'FieldValueDuplicate' };
    default:
      return invalid(path, shown, detail);
  }
}
