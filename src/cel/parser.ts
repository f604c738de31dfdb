// Source to tree: a parser by precedence for the CEL grammar with optional syntax and quoted fields, as kube-apiserver sets
// cel-go up. Positions are cel-go's: a call points at its bracket, a selection at its dot, an operator at itself.
import type { Expr, LiteralExpr, StructEntry } from './ast.ts';
import { CelSyntaxError, type Issue } from './errors.ts';
import { type Token, tokenize } from './lexer.ts';
import { expandMacro } from './macros.ts';

/** How deep expressions stand in each other, and how many operators and selections may be stacked on a path through it. */
const maxDepth = 250;
/** An operator whose operands may stand in any order, so that a chain of it can be a balanced tree, as deep as its logarithm. */
const logic: readonly string[] = ['||', '&&'];
const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
const keywords = new Set(['in', 'true', 'false', 'null']);

/** From loosest to tightest; all group to the left. */
const binary: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['<', '<=', '>=', '>', '==', '!=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
];
/** What an expression may begin with, in the order of the grammar; brackets say what else there may be where it stands. */
const starts =
  "'[' ']' '{' '}' '(' ')' '.' ',' '-' '!' '?' 'true' 'false' 'null' NUM_FLOAT NUM_INT NUM_UINT STRING BYTES IDENTIFIER".split(
    ' ',
  );
const notStarts = new Set(["']'", "'}'", "')'", "','", "'?'"]);

/** `also` is what may stand there beside an expression: `]`, `,`, `?`. */
function expected(also: string): string {
  return `{${starts.filter((one) => !notStarts.has(one) || also.includes(one[1]!)).join(', ')}}`;
}

/** Throws a CelSyntaxError. */
export function parse(source: string): Expr {
  return new Parser(tokenize(source)).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;
  /** Of what was parsed since the innermost `#stacked` began: the most operators and selections on one path through it. */
  #height = 0;
  /** After an opening bracket: what may stand there beside an expression. */
  #opened: { readonly position: number; readonly also: string } = { position: -1, also: '' };

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expr {
    const expr = this.#expression();
    const next = this.#peek();
    if (next.type === 'end') {
      if (this.#height > maxDepth) throw new CelSyntaxError({ at: -1, message: 'max recursion depth exceeded' });
      return expr;
    }
    // One token too many is told apart from more.
    const what = this.#after().type === 'end' ? 'extraneous' : 'mismatched';
    throw this.#error(next, `${what} input '${next.text}' expecting <EOF>`);
  }

  #peek(): Token {
    return this.#tokens[this.#position]!;
  }

  #after(): Token {
    return this.#tokens[this.#position + 1] ?? this.#tokens.at(-1)!;
  }

  #next(): Token {
    return this.#tokens[this.#position++]!;
  }

  #error({ at }: Token, message: string): CelSyntaxError {
    return new CelSyntaxError({ at, message: `Syntax error: ${message}` });
  }

  #is(...texts: readonly string[]): boolean {
    const { type, text } = this.#peek();
    return (type === 'op' || (type === 'ident' && text === 'in')) && texts.includes(text);
  }

  #take(text: string): Token | undefined {
    return this.#is(text) ? this.#next() : undefined;
  }

  #expect(text: string): Token {
    const taken = this.#take(text);
    if (taken) return taken;
    throw this.#unexpected(`'${text}'`, [text], true);
  }

  #open(also: string): void {
    this.#opened = { position: this.#position, also };
  }

  /** In ANTLR's words: one token too many, one that is missing, or another one. */
  #unexpected(wanted: string, texts: readonly string[], mayMiss: boolean): CelSyntaxError {
    const found = this.#peek();
    const after = this.#after();
    const isExtra = found.type !== 'end' && after.type === 'op' && texts.includes(after.text);
    if (isExtra) return this.#error(found, `extraneous input '${found.text}' expecting ${wanted}`);
    const mayFollow = texts.includes(':') ? startsExpression(found) : found.type === 'end' || isOperator(found);
    if (mayMiss && mayFollow) return this.#error(found, `missing ${wanted} at '${found.text}'`);
    return this.#error(found, `mismatched input '${found.text}' expecting ${wanted}`);
  }

  /** Of elements and entries: another may follow, or the end. */
  #separated(close: string): void {
    if (this.#take(',') || this.#is(close)) return;
    throw this.#unexpected(`{'${close}', ','}`, [close, ','], false);
  }

  #expression(): Expr {
    if (++this.#depth > maxDepth) throw new CelSyntaxError(tooDeep());
    const expr = this.#stacked(() => this.#conditional());
    this.#depth--;
    return expr;
  }

  /** What `parse` adds to the height stands on what it has parsed, not on what came before it. */
  #stacked(parse: () => Expr): Expr {
    const before = this.#height;
    this.#height = 0;
    const expr = parse();
    this.#height = Math.max(this.#height, before);
    return expr;
  }

  #conditional(): Expr {
    const condition = this.#binary(0);
    const question = this.#take('?');
    if (!question) return condition;
    const whenTrue = this.#binary(0);
    this.#expect(':');
    const args = [condition, whenTrue, this.#expression()];
    this.#height++;
    return { kind: 'call', name: '_?_:_', args, at: question.at };
  }

  #binary(level: number): Expr {
    const operators = binary[level];
    if (!operators) return this.#unary();
    return this.#stacked(() => {
      const first = this.#binary(level + 1);
      return logic.includes(operators[0]!) ? this.#logic(level, first) : this.#chain(level, first);
    });
  }

  #chain(level: number, first: Expr): Expr {
    let left = first;
    while (this.#is(...binary[level]!)) {
      const { text, at } = this.#next();
      const right = this.#binary(level + 1);
      this.#height++;
      left = { kind: 'call', name: text === 'in' ? '@in' : `_${text}_`, args: [left, right], at };
    }
    return left;
  }

  #logic(level: number, first: Expr): Expr {
    const terms = [first];
    const operators: Token[] = [];
    while (this.#is(...binary[level]!)) {
      operators.push(this.#next());
      terms.push(this.#binary(level + 1));
    }
    return balanced(terms, operators);
  }

  #unary(): Expr {
    const first = this.#peek();
    if (this.#is('-') && this.#isNumber(this.#tokens[this.#position + 1])) {
      this.#next();
      return this.#member(numberLiteral(this.#next(), first.at, '-'));
    }
    if (!this.#is('!', '-')) return this.#stacked(() => this.#member(this.#primary()));
    // An even number of the same sign cancels out.
    let count = 0;
    while (this.#take(first.text)) count++;
    if (this.#is('!', '-') && !this.#isNumber(this.#after())) throw this.#otherSign();
    const operand = this.#unary();
    return count % 2 === 0 ? operand : { kind: 'call', name: `${first.text}_`, args: [operand], at: first.at };
  }

  /** `-!a`, `!-a`: signs of one kind only. */
  #otherSign(): CelSyntaxError {
    const [sign, after] = [this.#peek(), this.#after()];
    const [at, before] = sign.text === '!' ? [sign, '-'] : [after, ''];
    const text = sign.text === '!' ? '!' : `-${after.type === 'end' ? '' : after.text}`;
    return this.#error(at, `no viable alternative at input '${before}${text}'`);
  }

  #isNumber(token: Token | undefined): boolean {
    return token?.type === 'int' || token?.type === 'double';
  }

  #member(operand: Expr): Expr {
    let expr = operand;
    for (;;) {
      const dot = this.#take('.');
      if (dot) {
        expr = this.#selection(expr, dot);
        this.#height++;
      } else if (this.#is('[')) {
        const { at } = this.#next();
        this.#open('?');
        const optional = this.#take('?') !== undefined;
        const index = this.#expression();
        this.#expect(']');
        this.#height++;
        expr = { kind: 'call', name: optional ? '_[?_]' : '_[_]', args: [expr, index], at };
      } else return expr;
    }
  }

  #selection(operand: Expr, { at }: Token): Expr {
    const optional = this.#take('?') !== undefined;
    const token = this.#next();
    if (token.type === 'quoted') {
      return { kind: 'select', operand, field: token.text.slice(1, -1), testOnly: false, optional, at };
    }
    if (token.type !== 'ident' || keywords.has(token.text)) {
      throw this.#error(token, `no viable alternative at input '.${token.type === 'end' ? '' : token.text}'`);
    }
    if (optional || !this.#is('('))
      return { kind: 'select', operand, field: token.text, testOnly: false, optional, at };
    const open = this.#next();
    const args = this.#arguments(')');
    return expandMacro({ kind: 'call', name: token.text, target: operand, args, at: open.at });
  }

  #arguments(close: string): Expr[] {
    const args: Expr[] = [];
    this.#open(close);
    if (this.#take(close)) return args;
    do args.push(this.#expression());
    while (this.#take(','));
    this.#expect(close);
    return args;
  }

  #primary(): Expr {
    const token = this.#next();
    const { at, text } = token;
    switch (token.type) {
      case 'int':
      case 'uint':
      case 'double':
        return numberLiteral(token, at, '');
      case 'string':
        return { kind: 'literal', type: 'string', value: token.value, at };
      case 'bytes':
        return { kind: 'literal', type: 'bytes', value: token.value, at };
      case 'ident':
        return this.#name(token, '');
      case 'op':
        if (text === '(') return this.#nested();
        if (text === '[') return this.#list(at);
        if (text === '{') return this.#map(at);
        if (text === '.' && this.#peek().type === 'ident') return this.#name(this.#next(), '.');
    }
    throw this.#noExpression(token);
  }

  #noExpression(token: Token): CelSyntaxError {
    const also = this.#tokens[this.#opened.position] === token ? this.#opened.also : '';
    const mayGoOn = (next: Token) => startsExpression(next) || (next.type === 'op' && also.includes(next.text));
    // Behind the end there is nothing.
    const what = token.type !== 'end' && mayGoOn(this.#peek()) ? 'extraneous' : 'mismatched';
    return this.#error(token, `${what} input '${token.text}' expecting ${expected(also)}`);
  }

  #nested(): Expr {
    const expr = this.#expression();
    this.#expect(')');
    return expr;
  }

  #name(token: Token, leading: string): Expr {
    const { text, at } = token;
    if (leading === '') {
      if (text === 'true' || text === 'false') return { kind: 'literal', type: 'bool', value: text === 'true', at };
      if (text === 'null') return { kind: 'literal', type: 'null', value: null, at };
    }
    if (keywords.has(text)) throw this.#noExpression(token);
    const open = this.#take('(');
    if (open) return expandMacro({ kind: 'call', name: text, args: this.#arguments(')'), at: open.at });
    const struct = this.#struct(text);
    if (struct) return struct;
    if (reserved.has(text)) throw new CelSyntaxError({ at, message: `reserved identifier: ${text}` });
    return { kind: 'ident', name: text, at };
  }

  /** `a.b.C{…}`: a dotted name followed by a brace. */
  #struct(first: string): Expr | undefined {
    let ahead = this.#position;
    let name = first;
    while (this.#tokens[ahead]?.text === '.' && this.#tokens[ahead + 1]?.type === 'ident') {
      name += `.${this.#tokens[ahead + 1]!.text}`;
      ahead += 2;
    }
    const brace = this.#tokens[ahead];
    if (brace?.type !== 'op' || brace.text !== '{') return undefined;
    this.#position = ahead + 1;
    const entries: StructEntry[] = [];
    while (!this.#take('}')) {
      const optional = this.#take('?') !== undefined;
      const key = this.#next();
      const field = key.type === 'quoted' ? key.text.slice(1, -1) : key.text;
      if (key.type !== 'quoted' && key.type !== 'ident') {
        throw this.#error(key, `mismatched input '${key.text}' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}`);
      }
      const { at } = this.#expect(':');
      entries.push({ field, value: this.#expression(), optional, at });
      this.#separated('}');
    }
    return { kind: 'struct', name, entries, at: brace.at };
  }

  #list(at: number): Expr {
    const elements: { value: Expr; optional: boolean }[] = [];
    this.#open('],?');
    while (!this.#take(']')) {
      const optional = this.#take('?') !== undefined;
      elements.push({ value: this.#expression(), optional });
      this.#separated(']');
    }
    return { kind: 'list', elements, at };
  }

  #map(at: number): Expr {
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    this.#open('},?');
    while (!this.#take('}')) {
      const optional = this.#take('?') !== undefined;
      const key = this.#expression();
      this.#expect(':');
      entries.push({ key, value: this.#expression(), optional });
      this.#separated('}');
    }
    return { kind: 'map', entries, at };
  }
}

/** Of one complaint about a tree that no stack would hold. */
export function tooDeep(): Issue {
  return { at: -1, message: `expression recursion limit exceeded: ${maxDepth}` };
}

/** cel-go's tree: of the operators, the one in the middle (of two, the later) is the root. */
function balanced(terms: readonly Expr[], operators: readonly Token[]): Expr {
  if (operators.length === 0) return terms[0]!;
  const middle = operators.length >>> 1;
  const { text, at } = operators[middle]!;
  const args = [
    balanced(terms.slice(0, middle + 1), operators.slice(0, middle)),
    balanced(terms.slice(middle + 1), operators.slice(middle + 1)),
  ];
  return { kind: 'call', name: `_${text}_`, args, at };
}

function startsExpression({ type, text }: Token): boolean {
  if (type === 'op') return ['[', '{', '(', '.', '-', '!'].includes(text);
  return type !== 'end' && type !== 'quoted' && text !== 'in';
}

function isOperator({ type, text }: Token): boolean {
  return type === 'op' ? !['{', '(', '!'].includes(text) : text === 'in';
}

function numberLiteral({ type, text }: Token, at: number, sign: '' | '-'): LiteralExpr {
  if (type === 'double') return { kind: 'literal', type, value: Number(sign + text), at };
  const digits = BigInt(type === 'uint' ? text.slice(0, -1) : text);
  if (type === 'uint') {
    if (digits >= 1n << 64n) throw new CelSyntaxError({ at, message: 'invalid uint literal' });
    return { kind: 'literal', type, value: digits, at };
  }
  const value = sign === '-' ? -digits : digits;
  if (BigInt.asIntN(64, value) !== value) throw new CelSyntaxError({ at, message: 'invalid int literal' });
  return { kind: 'literal', type: 'int', value, at };
}
