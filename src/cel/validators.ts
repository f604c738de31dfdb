// What is checked of an expression whose types are right: texts that are read at run time are read here already where they
// stand in the source, and lists and maps are of one type throughout.
import { table } from '../apimachinery/table.ts';
import type { CallExpr, Expr } from './ast.ts';
import type { Checked } from './checker.ts';
import { CelError, type Issue } from './errors.ts';
import { clauseError, fillFormat } from './functions/format-string.ts';
import { compileRegex } from './regex.ts';
import { type CelType, dyn, isOptional, isSame, printType } from './types.ts';
import { parseDuration, parseTimestamp, timestampOfSeconds } from './values.ts';

export function validate(expr: Expr, checked: Checked): readonly Issue[] {
  const issues: Issue[] = [];
  visit(expr, { checked, issues, isMixed: false });
  return issues;
}

interface Visit {
  readonly checked: Checked;
  readonly issues: Issue[];
  /** Within a call of `format` lists may hold what they like. */
  readonly isMixed: boolean;
}

function visit(expr: Expr, given: Visit): void {
  if (expr.kind === 'call') {
    checkLiteral(expr, given);
    if (expr.name === 'format') checkFormat(expr, given);
  }
  if (!given.isMixed) checkElements(expr, given);
  const below = expr.kind === 'call' && expr.name === 'format' ? { ...given, isMixed: true } : given;
  for (const child of childrenOf(expr)) visit(child, below);
}

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'ident':
      return [];
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case 'list':
      return expr.elements.map(({ value }) => value);
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.entries.map(({ value }) => value);
    case 'comprehension':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
  }
}

/** By function and type of its first argument, which is the one that is looked at: of `matches(text, pattern)` the text. */
const readers = table<(given: never) => unknown>({
  'duration(string)': parseDuration,
  'timestamp(string)': parseTimestamp,
  'timestamp(int)': timestampOfSeconds,
  'matches(string)': compileRegex,
});

function checkLiteral({ name, args: [literal] }: CallExpr, { issues }: Visit): void {
  if (literal?.kind !== 'literal') return;
  const read = readers[`${name}(${literal.type})`];
  if (!read) return;
  try {
    read(literal.value as never);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    issues.push({ at: literal.at, message: `invalid ${name} argument` });
  }
}

/** A format in the source against a list in the source: clauses there are, as many as arguments, and of their types. */
function checkFormat({ target, args: [list], at }: CallExpr, { checked, issues }: Visit): void {
  if (target?.kind !== 'literal' || target.type !== 'string' || list?.kind !== 'list') return;
  const given = list.elements.map(({ value }) => value);
  let wrong: Expr | undefined;
  try {
    let used = 0;
    fillFormat(target.value, given.length, ({ verb }, i) => {
      used = i + 1;
      wrong = misfit(verb, given[i]!, checked);
      if (wrong) throw new CelError(clauseError(verb, typeNameOf(checked.types.get(wrong) ?? dyn)));
      return '';
    });
    if (given.length > used) {
      const counts = `(expected ${used}, got ${given.length})`;
      issues.push({ at, message: `too many arguments supplied to string.format ${counts}` });
    }
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    issues.push({ at: wrong?.at ?? at, message: error.message });
  }
}

const integers = ['int', 'uint'];
const numbers = ['double', 'string'];
const digits = ['int', 'uint', 'string', 'bytes'];
const formatted = table<readonly string[]>({
  d: integers,
  o: integers,
  b: ['int', 'uint', 'bool'],
  x: digits,
  X: digits,
  f: numbers,
  e: numbers,
  s: [...integers, ...numbers, 'bool', 'bytes', 'timestamp', 'duration', 'null', 'list', 'map', 'type'],
});

/** What of an argument a clause cannot be used on. */
function misfit(verb: string, expr: Expr, checked: Checked): Expr | undefined {
  const type = checked.types.get(expr) ?? dyn;
  const kind = type.kind === 'primitive' ? type.name : type.kind;
  if (kind === 'dyn' || kind === 'any') return undefined;
  if (!formatted[verb]?.includes(kind)) return expr;
  if (verb !== 's' || (expr.kind !== 'list' && expr.kind !== 'map')) return undefined;
  for (const child of childrenOf(expr)) {
    const found = misfit(verb, child, checked);
    if (found) return found;
  }
  return undefined;
}

function typeNameOf(type: CelType): string {
  if (type.kind === 'primitive') {
    return (
      { timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration', null: 'null_type' }[
        type.name as string
      ] ?? type.name
    );
  }
  return 'name' in type ? type.name : type.kind;
}

interface Element {
  readonly value: Expr;
  readonly optional: boolean;
}

function checkElements(expr: Expr, { checked, issues }: Visit): void {
  const typeOf = ({ value, optional }: Element): CelType => {
    const type = checked.types.get(value) ?? dyn;
    return optional && isOptional(type) ? (type.parameters[0] ?? dyn) : type;
  };
  /** Whether an element is of another type than the first. */
  const differs = (first: Element, one: Element): boolean => {
    const [wanted, type] = [typeOf(first), typeOf(one)];
    if (isSame(wanted, type)) return false;
    issues.push({ at: one.value.at, message: `expected type '${printType(wanted)}' but found '${printType(type)}'` });
    return true;
  };
  if (expr.kind === 'list') {
    const [first, ...rest] = expr.elements;
    // Of a list only the first that differs is told.
    rest.some((one) => differs(first!, one));
  }
  if (expr.kind === 'map') {
    const [first, ...rest] = expr.entries;
    for (const one of rest) {
      differs({ value: first!.key, optional: false }, { value: one.key, optional: false });
      differs(first!, one);
    }
  }
}
