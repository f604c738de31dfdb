// x-kubernetes-validations as programs, in the shape of the schema that they stand in (upstream pkg/apiserver/schema/cel).
// Imported when a rule is first met: it brings the CEL library along.
import { additionalSchema, isEmbedded, itemsOf, type JSONSchemaProps } from '../../api/apiextensions/schema/props.ts';
import type { CompileOptions } from '../../api/apiextensions/v1/custom-resource-definition/expressions.ts';
import { goRule } from '../../api/apiextensions/v1/custom-resource-definition/internal.ts';
import type { ValidationRule } from '../../api/apiextensions/v1/types.generated.ts';
import { type FieldError, fieldError } from '../../apimachinery/validation/field-error.ts';
import { compileExpression, type Program } from '../../cel/compile.ts';
import { mostPerRequest, schemaType } from '../../cel/schema.ts';
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

interface RuleCost {
  readonly path: string;
  readonly cost: number;
}

interface Place {
  readonly path: string;
  readonly isRoot: boolean;
  /** The outermost place on the way from which on old and new values cannot be told to belong together. */
  readonly uncorrelatable: string | undefined;
  /** How many values of one object a rule here may be asked about; undefined: as many as a request holds. */
  readonly cardinality: number | undefined;
  readonly costs: RuleCost[];
  readonly errors: FieldError[];
  readonly options: CompileOptions;
}

const strict: CompileOptions = { faulty: () => false, costly: false };

export function compileRules(schema: JSONSchemaProps, path: string, options = strict): CompiledRules {
  const errors: FieldError[] = [];
  const costs: RuleCost[] = [];
  const start = { uncorrelatable: undefined, cardinality: 1, costs, errors, options };
  const root = compileNode(schema, { path, isRoot: true, ...start });
  errors.push(...unaffordableTogether(costs, path));
  return { root, errors };
}

/** How many times as many values there may be below a schema as there are of it. */
function elementsOf({ type, maxItems, maxProperties, additionalProperties }: JSONSchemaProps): number | undefined {
  if (type === 'array') return maxItems;
  return type === 'object' && additionalProperties ? maxProperties : 1;
}

function compileNode(schema: JSONSchemaProps, place: Place): RuleNode | undefined {
  const type = schemaType(schema, { isResourceRoot: place.isRoot || isEmbedded(schema) });
  if (!type) return undefined;
  const { path } = place;
  const below = { ...place, isRoot: false };
  const elements = elementsOf(schema);
  const isBounded = place.cardinality !== undefined && elements !== undefined;
  const each = { ...below, cardinality: isBounded ? place.cardinality * elements : undefined };
  const additionalProps = additionalSchema(schema);
  const additional = additionalProps && compileNode(additionalProps, { ...each, path: `${path}.additionalProperties` });
  const properties = new Map<string, RuleNode>();
  const isWhole = schema['x-kubernetes-map-type'] === 'atomic';
  const ofProperties = { ...below, uncorrelatable: place.uncorrelatable ?? (isWhole ? path : undefined) };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(property, { ...ofProperties, path: `${path}.properties[${name}]` });
    if (node) properties.set(name, node);
  }
  const itemProps = itemsOf(schema);
  const isCorrelatable = schema['x-kubernetes-list-type'] === 'map';
  const uncorrelatable = isCorrelatable ? place.uncorrelatable : (place.uncorrelatable ?? path);
  const items = itemProps && compileNode(itemProps, { ...each, uncorrelatable, path: `${path}.items` });
  // What is wrong below is told first.
  const isFaulty = (schema['x-kubernetes-validations'] ?? []).length > 0 && place.options.faulty(path);
  const rules = (isFaulty ? [] : (schema['x-kubernetes-validations'] ?? [])).flatMap((rule, i) => {
    const compiled = compileRule(rule, type, { ...place, path: `${path}.x-kubernetes-validations[${i}]` });
    return compiled ? [compiled] : [];
  });
  if (rules.length === 0 && properties.size === 0 && !additional && !items) return undefined;
  return { type, schema, rules, properties, additional, items };
}

function compileRule(rule: ValidationRule, type: CelType, place: Place): CompiledRule | undefined {
  if (rule.rule.trim() === '') return undefined;
  const variables = { self: type, oldSelf: rule.optionalOldSelf ? optionalOf(type) : type };
  const refuse = (field: string, detail: string) => {
    place.errors.push({ ...fieldError.invalid(`${place.path}.${field}`, goRule(rule), detail) });
  };
  const program = compileCondition(rule, variables, refuse);
  if (program) chargeFor(program, 'rule', { type, place });
  const message = program && compileMessage(rule, variables, refuse);
  if (message) chargeFor(message, 'messageExpression', { type, place });
  const usesOldSelf = program?.uses('oldSelf') ?? false;
  checkOldSelf(rule, usesOldSelf, place);
  return program && { rule, program, usesOldSelf, message };
}

function compileCondition(
  { rule }: ValidationRule,
  variables: Readonly<Record<string, CelType>>,
  refuse: (field: string, detail: string) => void,
): Program | undefined {
  const compiled = compileExpression(rule, { variables });
  if (compiled.errors !== undefined) {
    refuse('rule', `${compiled.stage} failed: ${compiled.errors}`);
    return undefined;
  }
  if (printType(compiled.program.resultType) === printType(bool)) return compiled.program;
  refuse('rule', 'cel expression must evaluate to a bool');
  return undefined;
}

function chargeFor(
  { estimatedCost }: Program,
  field: 'rule' | 'messageExpression',
  { type, place }: { readonly type: CelType; readonly place: Place },
): void {
  const { path, cardinality, options } = place;
  // Upstream does not count how often a message is asked for.
  const times = field === 'rule' ? (cardinality ?? mostPerRequest(type)) : 1;
  const cost = { path: `${path}.${field}`, cost: estimatedCost * times };
  place.costs.push(cost);
  if (!options.costly) place.errors.push(...unaffordable(cost, `estimated ${field} cost`, costLimit));
}

function checkOldSelf(rule: ValidationRule, usesOldSelf: boolean, { path, uncorrelatable, errors }: Place): void {
  if (usesOldSelf && uncorrelatable !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    errors.push(fieldError.invalid(`${path}.rule`, rule.rule, detail));
  }
  if (!usesOldSelf && rule.optionalOldSelf !== undefined) {
    const detail = 'may not be set if oldSelf is not used in rule';
    errors.push(fieldError.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, detail));
  }
}

/** What one rule may cost over all the values of one object (StaticEstimatedCostLimit). */
const costLimit = 10_000_000;
/** What all rules of a schema may cost together (StaticEstimatedCRDCostLimit). */
const totalCostLimit = 100_000_000;
/** So many of the most expensive rules are named, where they matter. */
const mostNamed = 4;

function unaffordable({ path, cost }: RuleCost, what: string, limit: number): FieldError[] {
  const factor = cost / limit;
  if (factor <= 1) return [];
  const times = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return [fieldError.forbidden(path, `${what} exceeds budget by factor of ${times} (${advice})`)];
}

function unaffordableTogether(costs: readonly RuleCost[], path: string): FieldError[] {
  const total = costs.reduce((sum, { cost }) => sum + cost, 0);
  if (total <= totalCostLimit) return [];
  const named = costs.filter(({ cost }) => cost >= totalCostLimit / 100).sort((a, b) => b.cost - a.cost);
  const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
  const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
  return [
    ...named.slice(0, mostNamed).map((one) => fieldError.forbidden(one.path, why)),
    ...unaffordable({ path, cost: total }, what, totalCostLimit),
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
    refuse(
      'messageExpression',
      `messageExpression ${compiled.stage === 'compilation' ? 'compilation' : 'instantiation'} failed: ${compiled.errors}`,
    );
    return undefined;
  }
  if (printType(compiled.program.resultType) !== printType(string)) {
    refuse('messageExpression', 'messageExpression must evaluate to a string');
    return undefined;
  }
  return compiled.program;
}
