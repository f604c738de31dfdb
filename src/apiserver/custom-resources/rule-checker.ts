// Evaluates the rules of a schema over an object, and over its former state where they speak of it (upstream
// pkg/apiserver/schema/cel). What an update leaves as it was is not held against rules of the present state: it is only told.

import { formerItems, isUnchanged } from '../../api/apiextensions/schema/correlate.ts';
import { childPath, itemsOf, type JSONSchemaProps, propertyOf } from '../../api/apiextensions/schema/props.ts';
import type { ValidationRule } from '../../api/apiextensions/v1/types.generated.ts';
import { quoted, sortedKeys } from '../../apimachinery/json/go-text.ts';
import { isObject } from '../../apimachinery/json/value.ts';
import { ownValue } from '../../apimachinery/table.ts';
import { type FieldError, fieldError, fieldErrorMessage } from '../../apimachinery/validation/field-error.ts';
import { CelError } from '../../cel/errors.ts';
import { escapedCharacters } from '../../cel/lexer.ts';
import { fromJson, none, Optional, type Value } from '../../cel/values.ts';
import type { CompiledRule, RuleNode } from './rule-compiler.ts';

/** What all rules of one write may cost together (apiserver/pkg/apis/cel, RuntimeCELCostBudget). */
const runtimeBudget = 10_000_000;
/** Of what a messageExpression says, in bytes. */
const longestMessage = 5 * 1024;

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

interface Pass {
  readonly errors: FieldError[];
  readonly warn: (text: string) => void;
  budget: number;
}

/** A value and what it was. */
interface Correlation {
  readonly value: unknown;
  readonly old: unknown;
  readonly schema: JSONSchemaProps;
}

interface Place {
  readonly path: string;
  /** What `oldSelf` is. */
  readonly old: unknown;
  /** Undefined: nothing before the update belongs to the value. */
  readonly current: Correlation | undefined;
  /** The closest value around this one that has a correlation. */
  readonly around: Correlation | undefined;
}

/** `old` for updates. `warn` is told what would be wrong, had the update changed it; without it nothing is spared. */
export function checkRules(root: RuleNode, object: unknown, old: unknown, warn?: (text: string) => void): FieldError[] {
  const pass: Pass = { errors: [], warn: warn ?? (() => {}), budget: runtimeBudget };
  const current = old === undefined || !warn ? undefined : { value: object, old, schema: root.schema };
  checkNode(root, object, { pass, place: { path: '', old, current, around: undefined } });
  return pass.errors;
}

interface Here {
  readonly pass: Pass;
  readonly place: Place;
}

function checkNode(node: RuleNode, value: unknown, here: Here): void {
  if (value === null || value === undefined || here.pass.budget < 0) return;
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
    checkNode(below, value, { pass, place: { path, old: ownValue(old, key), ...correlationOf(place, key) } });
  }
}

function checkItems({ items, schema }: RuleNode, list: readonly unknown[], { pass, place }: Here): void {
  if (!items) return;
  const before = formerItems(place.old, schema);
  const correlated = place.current && formerItems(place.current.old, place.current.schema);
  for (const [i, value] of list.entries()) {
    const old = correlated?.(value) ?? undefined;
    const itemSchema = place.current && itemsOf(place.current.schema);
    const below = {
      path: `${place.path}[${i}]`,
      old: before?.(value),
      current: old !== undefined && itemSchema ? { value, old, schema: itemSchema } : undefined,
      around: place.current ?? place.around,
    };
    checkNode(items, value, { pass, place: below });
  }
}

function correlationOf({ path, current, around }: Place, key: string): Pick<Place, 'current' | 'around'> {
  if (!current) return { current, around };
  // The version of an object is not what it was: objects are converted before they are compared.
  if (path === '' && (key === 'apiVersion' || key === 'kind')) return { current: undefined, around: undefined };
  const { value, old, schema } = current;
  const below = propertyOf(schema, key);
  if (!below || !isObject(value) || !isObject(old) || !Object.hasOwn(old, key)) {
    return { current: undefined, around: current };
  }
  return { current: { value: value[key], old: old[key], schema: below }, around: current };
}

/** Errors of the present state are only told where the value, or the closest one around it that can be told, is what it was. */
function isSpared({ current, around }: Place): boolean {
  const correlation = current ?? around;
  return correlation !== undefined && isUnchanged(correlation.value, correlation.old, correlation.schema);
}

function checkOwnRules(node: RuleNode, value: unknown, here: Here): void {
  if (node.rules.length === 0) return;
  const { pass, place } = here;
  if (pass.budget <= 0) {
    pass.errors.push(fieldError.invalid(shown(place.path), node.schema.type ?? '', outOfBudget));
    pass.budget = -1;
    return;
  }
  const states = statesOf(node, value, place.old);
  const hasOld = place.old !== undefined && place.old !== null;
  for (const compiled of node.rules) {
    if (pass.budget < 0) return;
    // A transition without a former state is none.
    if (compiled.usesOldSelf && !hasOld && compiled.rule.optionalOldSelf !== true) continue;
    if (typeof states !== 'string') evaluateRule(compiled, states, { node, value, here });
    else {
      const why = whyNoResult(compiled.rule, states, false);
      pass.errors.push(fieldError.invalid(shown(place.path), node.schema.type ?? '', why));
    }
  }
}

/** A text: what is wrong with a value of its type that its format let pass. */
function statesOf({ type, rules }: RuleNode, value: unknown, old: unknown): States | string {
  try {
    const isAsked = old !== undefined && old !== null && rules.some(({ usesOldSelf }) => usesOldSelf);
    const before = isAsked ? fromJson(old, type) : undefined;
    return { self: fromJson(value, type), old: before };
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

interface Evaluation {
  readonly node: RuleNode;
  readonly value: unknown;
  readonly here: Here;
}

interface States {
  readonly self: Value;
  readonly old: Value | undefined;
}

function evaluateRule({ rule, program, message, usesOldSelf }: CompiledRule, states: States, at: Evaluation): void {
  const { node, value, here } = at;
  const { pass, place } = here;
  const type = node.schema.type ?? '';
  const refuse = (detail: string) => pass.errors.push(fieldError.invalid(shown(place.path), type, detail));
  const result = program.evaluate(bindingsOf(states, rule.optionalOldSelf === true));
  if (result.cost > pass.budget) {
    pass.budget = -1;
    refuse(outOfBudget);
    return;
  }
  pass.budget -= result.cost;
  if (result.error !== undefined) {
    if (result.isOverBudget) pass.budget = -1;
    refuse(whyNoResult(rule, result.error, result.isOverBudget === true));
    return;
  }
  if (result.value === true) return;
  const path = pathOf(rule, place.path, node.schema);
  const add = (error: FieldError) => {
    if (!usesOldSelf && isSpared(place)) pass.warn(fieldErrorMessage(error));
    else pass.errors.push(error);
  };
  const evaluated = message ? evaluateMessage({ rule, program: message }, states, pass) : {};
  if (evaluated.end !== undefined) {
    add(fieldError.invalid(path, type, evaluated.end));
    pass.budget = -1;
    return;
  }
  const detail = evaluated.text ?? (rule.message ? rule.message.trim() : `failed rule: ${named(rule)}`);
  add(errorFor(rule.reason, { path, value, isPrinted: type !== 'object' && type !== 'array', detail }));
}

function bindingsOf({ self, old }: States, isOptional: boolean): Readonly<Record<string, Value>> {
  if (isOptional) return { self, oldSelf: old === undefined ? none : new Optional(old) };
  return old === undefined ? { self } : { self, oldSelf: old };
}

function whyNoResult(rule: ValidationRule, error: string, isOverBudget: boolean): string {
  if (isOverBudget) {
    return `'${error}': no further validation rules will be run due to call cost exceeds limit for rule: ${named(rule)}`;
  }
  if (error.startsWith('no such overload')) {
    const why = 'call arguments did not match a supported operator, function or macro signature for rule';
    return `'${error}': ${why}: ${named(rule)}`;
  }
  return `${error} evaluating rule: ${named(rule)}`;
}

/** The root has no name. */
function shown(path: string): string {
  return path === '' ? '<nil>' : path;
}

/** Where a rule says that its error belongs: keys of maps stand in brackets there, names of fields behind dots. */
function pathOf({ fieldPath = '' }: ValidationRule, path: string, schema: JSONSchemaProps): string {
  let at: JSONSchemaProps | undefined = schema;
  let below = '';
  for (const [, name, key] of fieldPath.trim().matchAll(/\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/g)) {
    const segment = name ?? unescaped(key ?? '');
    below = at?.properties ? childPath(below, segment) : `${below}[${segment}]`;
    at = at && propertyOf(at, segment);
  }
  return below === '' ? shown(path) : childPath(path, below);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => escapedCharacters[char] ?? char);
}

function named({ rule, message = '' }: ValidationRule): string {
  return message === '' ? rule.trim() : message.trim();
}

/** What a messageExpression says, where it says anything that can be used; `end`: why no further rule is evaluated. */
function evaluateMessage(
  { rule, program }: { readonly rule: ValidationRule; readonly program: NonNullable<CompiledRule['message']> },
  states: States,
  pass: Pass,
): { readonly text?: string; readonly end?: string } {
  // The former state is no optional here, even where it is one for the rule.
  const result = program.evaluate(bindingsOf(states, false));
  const { cost } = result;
  if (cost > pass.budget) {
    return {
      end: 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run',
    };
  }
  if (result.error !== undefined && result.isOverBudget) {
    const expression = quoted(rule.messageExpression ?? '');
    return {
      end: `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${expression}`,
    };
  }
  pass.budget -= cost;
  if (typeof result.value !== 'string') return {};
  const text = result.value.trim();
  return text === '' || text.includes('\n') || Buffer.byteLength(text) > longestMessage ? {} : { text };
}

interface Refused {
  readonly path: string;
  readonly value: unknown;
  /** Objects and lists are not shown. */
  readonly isPrinted: boolean;
  readonly detail: string;
}

function errorFor(reason: string | undefined, { path, value, isPrinted, detail }: Refused): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return fieldError.forbidden(path, detail);
    case 'FieldValueRequired':
      return fieldError.required(path, detail);
    case 'FieldValueDuplicate':
      return isPrinted
        ? fieldError.duplicate(path, sortedKeys(value))
        : { type: 'FieldValueDuplicate', field: path, detail: '' };
    default:
      return isPrinted
        ? fieldError.invalid(path, sortedKeys(value), detail)
        : fieldError.invalidUnprinted(path, detail);
  }
}
