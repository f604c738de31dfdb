// x-kubernetes-validations as programs, in the shape of the schema that they stand in (upstream pkg/apiserver/schema/cel).
// Imported when a rule is first met: it brings the CEL library along.
import { additionalSchema, isEmbedded, itemsOf, type JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import type { ValidationRule } from '../../api/apiextensions/v1/types.generated.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { compileExpression, type Program } from '../../cel/compile.ts';
import { largestSize } from '../../cel/cost.ts';
import { schemaType } from '../../cel/schema.ts';
import { bool, type CelType, optionalOf, printType, string } from '../../cel/types.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Program;
  readonly usesOldSelf: boolean;
  readonly message: Program | undefined;
}

/** The rules of one place of a schema, and of what is below it. Places without rules below are left out. */
export interface RuleNode {
  readonly type: CelType;
  readonly schema: JSONSchemaProps;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
}

export interface CompiledRules {
  /** Undefined: there are no rules. */
  readonly root: RuleNode | undefined;
  /** What is wrong with rules, at paths below the one given. */
  readonly errors: readonly FieldError[];
}

interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  /** The outermost place on the way from which on old and new values cannot be told to belong together. */
  readonly uncorrelatable: string | undefined;
  /** How many values of one object a rule here may be asked about. */
  readonly cardinality: number;
  readonly errors: FieldError[];
}

export function compileRules(schema: JSONSchemaProps, path: string): CompiledRules {
  const errors: FieldError[] = [];
  const root = compileNode(schema, { path, isRoot: true, uncorrelatable: undefined, cardinality: 1, errors });
  return { root, errors };
}

function compileNode(schema: JSONSchemaProps, place: Place): RuleNode | undefined {
  const type = schemaType(schema, { isResourceRoot: place.isRoot || isEmbedded(schema) });
  if (!type) return undefined;
  const { path } = place;
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) => {
    const compiled = compileRule(rule, type, { ...place, path: `${path}.x-kubernetes-validations[${i}]` });
    return compiled ? [compiled] : [];
  });
  const below = { ...place, isRoot: false };
  const each = { ...below, cardinality: place.cardinality * largestSize(type) };
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(property, { ...below, path: `${path}.properties[${name}]` });
    if (node) properties.set(name, node);
  }
  const additionalProps = additionalSchema(schema);
  const additional = additionalProps && compileNode(additionalProps, { ...each, path: `${path}.additionalProperties` });
  const itemProps = itemsOf(schema);
  const isCorrelatable = schema['x-kubernetes-list-type'] === 'map';
  const uncorrelatable = isCorrelatable ? place.uncorrelatable : (place.uncorrelatable ?? path);
  const items = itemProps && compileNode(itemProps, { ...each, uncorrelatable, path: `${path}.items` });
  if (rules.length === 0 && properties.size === 0 && !additional && !items) return undefined;
  return { type, schema, rules, properties, additional, items };
}

function compileRule(rule: ValidationRule, type: CelType, place: Place): CompiledRule | undefined {
  const { path, errors, uncorrelatable } = place;
  if (rule.rule.trim() === '') return undefined;
  const variables = { self: type, oldSelf: rule.optionalOldSelf ? optionalOf(type) : type };
  const refuse = (field: string, detail: string) => {
    errors.push({ ...fieldError.invalid(`${path}.${field}`, goValue(rule), detail) });
  };
  const compiled = compileExpression(rule.rule, { variables });
  if (compiled.errors !== undefined) {
    refuse('rule', `compilation failed: ${compiled.errors}`);
    return undefined;
  }
  const { program } = compiled;
  if (printType(program.resultType) !== printType(bool)) {
    refuse('rule', 'cel expression must evaluate to a bool');
    return undefined;
  }
  const message = compileMessage(rule, variables, refuse);
  errors.push(...unaffordable(program, 'rule', place));
  if (message) errors.push(...unaffordable(message, 'messageExpression', place));
  const usesOldSelf = program.uses('oldSelf');
  if (usesOldSelf && uncorrelatable !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    errors.push(fieldError.invalid(`${path}.rule`, rule.rule, detail));
  }
  if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    const detail = 'may not be set if oldSelf is not used in rule';
    errors.push(fieldError.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, detail));
  }
  return { rule, program, usesOldSelf, message };
}

/** What one rule may cost over all the values of one object (StaticEstimatedCostLimit). */
const costLimit = 10_000_000;

function unaffordable(
  program: Program,
  field: 'rule' | 'messageExpression',
  { path, cardinality }: Place,
): FieldError[] {
  const factor = (program.estimatedCost * cardinality) / costLimit;
  if (factor <= 1) return [];
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return [
    fieldError.forbidden(
      `${path}.${field}`,
      `estimated ${field} cost exceeds budget by factor of ${times} (${advice})`,
    ),
  ];
}

function compileMessage(
  { messageExpression = '' }: ValidationRule,
  variables: Readonly<Record<string, CelType>>,
  refuse: (field: string, detail: string) => void,
): Program | undefined {
  if (messageExpression.trim() === '') return undefined;
  const compiled = compileExpression(messageExpression, { variables });
  if (compiled.errors !== undefined) {
    refuse('messageExpression', `messageExpression compilation failed: ${compiled.errors}`);
    return undefined;
  }
  if (printType(compiled.program.resultType) !== printType(string)) {
    refuse('messageExpression', 'messageExpression must evaluate to a string');
    return undefined;
  }
  return compiled.program;
}

/** A rule as upstream prints it in errors: its internal type. */
function goValue({
  rule,
  message = '',
  messageExpression = '',
  reason,
  fieldPath = '',
  optionalOldSelf,
}: ValidationRule): unknown {
  return {
    Rule: rule,
    Message: message,
    MessageExpression: messageExpression,
    Reason: reason ?? null,
    FieldPath: fieldPath,
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}
