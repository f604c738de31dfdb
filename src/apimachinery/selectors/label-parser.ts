// The grammar of label selectors (k8s.io/apimachinery/pkg/labels Parser), one token ahead.

import { qualifiedName } from '../validation/names.ts';
import { labelSelectorTokens, type Token, type TokenKind } from './label-lexer.ts';
import { type LabelOperator, type Requirement, requirement } from './requirement.ts';

const binaryOperators: readonly TokenKind[] = ['in', 'notin', '=', '==', '!=', '>', '<'];

/** A syntax error travels as an exception within this file only. */
class SyntaxProblem extends Error {}

class Tokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = labelSelectorTokens(text);
  }

  peek(): Token {
    return this.#tokens[this.#at]!;
  }

  /** Where a value may stand, `in` and `notin` are plain words. */
  peekValue(): Token {
    return asValue(this.peek());
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  nextValue(): Token {
    return asValue(this.next());
  }
}

function asValue(token: Token): Token {
  return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
}

/** The requirements in the order of the text, or what is wrong with it. */
export function parseRequirements(text: string): Requirement[] | string {
  try {
    return parse(new Tokens(text));
  } catch (error) {
    if (error instanceof SyntaxProblem) return error.message;
    throw error;
  }
}

function parse(tokens: Tokens): Requirement[] {
  const requirements: Requirement[] = [];
  for (;;) {
    const ahead = tokens.peekValue();
    if (ahead.kind === 'end') return requirements;
    if (ahead.kind !== 'identifier' && ahead.kind !== '!') {
      throw new SyntaxProblem(`found '${ahead.text}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(parseRequirement(tokens));
    const separator = tokens.next();
    if (separator.kind === 'end') return requirements;
    if (separator.kind !== ',') throw new SyntaxProblem(`found '${separator.text}', expected: ',' or 'end of string'`);
    const after = tokens.peekValue();
    if (after.kind !== 'identifier' && after.kind !== '!') {
      throw new SyntaxProblem(`found '${after.text}', expected: identifier after ','`);
    }
  }
}

function parseRequirement(tokens: Tokens): Requirement {
  const problem = (text: string) => new SyntaxProblem(`unable to parse requirement: ${text}`);
  const negated = tokens.peek().kind === '!';
  if (negated) tokens.next();
  const key = tokens.nextValue();
  if (key.kind !== 'identifier') throw problem(`found '${key.text}', expected: identifier`);
  const keyErrors = qualifiedName(key.text);
  // Upstream names the key by a path that it has not been given.
  if (keyErrors.length > 0) {
    throw problem(`<nil>: Invalid value: ${JSON.stringify(key.text)}: ${keyErrors.join('; ')}`);
  }
  const ahead = tokens.peek();
  let operator: LabelOperator;
  let values: string[] = [];
  if (negated) operator = '!';
  else if (ahead.kind === 'end' || ahead.kind === ',') operator = 'exists';
  else {
    const token = tokens.next();
    if (!binaryOperators.includes(token.kind)) {
      throw problem(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    operator = token.kind as LabelOperator;
    values = operator === 'in' || operator === 'notin' ? parseValues(tokens, problem) : parseExact(tokens, problem);
    // A set: errors count the places in it, not in the text.
    values = [...new Set(values)].sort();
  }
  const made = requirement(key.text, operator, values);
  if (typeof made === 'string') throw problem(made);
  return made;
}

function parseExact(tokens: Tokens, problem: (text: string) => SyntaxProblem): string[] {
  const ahead = tokens.peekValue();
  if (ahead.kind === 'end' || ahead.kind === ',') return [''];
  const value = tokens.nextValue();
  if (value.kind !== 'identifier') throw problem(`found '${value.text}', expected: identifier`);
  return [value.text];
}

/** `(a,b)`; an empty place, also the only one, is the empty value. */
function parseValues(tokens: Tokens, problem: (text: string) => SyntaxProblem): string[] {
  const open = tokens.next();
  if (open.kind !== '(') throw problem(`found '${open.text}' expected: '('`);
  const values: string[] = [];
  const first = tokens.peekValue();
  if (first.kind !== 'identifier' && first.kind !== ',' && first.kind !== ')') {
    throw problem(`found '${first.text}', expected: ',', ')' or identifier`);
  }
  for (;;) {
    const token = tokens.peekValue();
    if (token.kind === 'identifier') {
      values.push(tokens.nextValue().text);
    } else if (token.kind === ',' || token.kind === ')') {
      values.push('');
    } else {
      throw problem(`found '${token.text}', expected: ',', or identifier`);
    }
    const separator = tokens.next();
    if (separator.kind === ')') return values;
    if (separator.kind !== ',') throw problem(`found '${separator.text}', expected: ',' or ')'`);
  }
}
