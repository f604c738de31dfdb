// What an expression may cost at the most, from the sizes that its types allow (cel-go's checker/cost and Kubernetes'
// estimator): expressions that no request could afford are refused before they are stored.
import type { CallExpr, Expr, FoldExpr } from './ast.ts';
import type { Checked } from './checker.ts';
import { type CelType, isOptional } from './types.ts';

/** The largest request that there is, in bytes. */
const largestRequest = 3 * 1024 * 1024;
const perCharacter = 0.1;
const perRegexCharacter = 0.25;

/** The most that one evaluation of a checked expression costs. */
export function estimateCost(expr: Expr, checked: Checked): number {
  return new Estimator(checked).cost(expr);
}

/** How many bytes a value of a type takes in JSON at the least. */
export function smallestSize(type: CelType): number {
  switch (type.kind) {
    case 'object':
      return type.minSize ?? 2;
    case 'primitive':
      return { bool: 4, string: 2, bytes: 2, timestamp: 12, duration: 3 }[type.name as string] ?? 1;
    default:
      return 2;
  }
}

/** How many elements a list or map, or characters a text, may have. */
export function largestSize(type: CelType): number {
  switch (type.kind) {
    case 'list':
      return type.maxSize ?? Math.floor((largestRequest - 2) / (smallestSize(type.element) + 1));
    case 'map':
      // A key of two characters, its quotes, a colon and a comma.
      return type.maxSize ?? Math.floor((largestRequest - 2) / (smallestSize(type.value) + 6));
    case 'primitive':
      if (type.name === 'string' || type.name === 'bytes' || type.name === 'dyn') {
        // A character takes up to four bytes.
        return type.maxSize === undefined ? largestRequest - 2 : type.maxSize * 4;
      }
      return 1;
    default:
      return isOptional(type) ? largestSize(type.parameters[0] ?? type) : 1;
  }
}

/** How many values of a type one request may hold, wherever they stand. */
export function mostPerRequest(type: CelType): number {
  return Math.floor(largestRequest / (smallestSize(type) + 1));
}

class Estimator {
  readonly #checked: Checked;
  /** The sizes of what macros and functions make: no type says them. */
  readonly #sizes = new Map<Expr, number>();

  constructor(checked: Checked) {
    this.#checked = checked;
  }

  #typeOf(expr: Expr): CelType {
    return this.#checked.types.get(expr) ?? { kind: 'primitive', name: 'dyn' };
  }

  #size(expr: Expr): number {
    const made = this.#sizes.get(expr);
    if (made !== undefined) return made;
    if (expr.kind === 'literal') return String(expr.value ?? '').length;
    if (expr.kind === 'list') return expr.elements.length;
    if (expr.kind === 'map') return expr.entries.length;
    return largestSize(this.#typeOf(expr));
  }

  cost(expr: Expr): number {
    switch (expr.kind) {
      case 'literal':
        return 0;
      case 'ident':
        return 1;
      case 'select':
        return this.cost(expr.operand) + (expr.testOnly ? 0 : 1);
      case 'list':
        return 10 + this.#sum(expr.elements.map(({ value }) => value));
      case 'map':
        return 30 + this.#sum(expr.entries.flatMap(({ key, value }) => [key, value]));
      case 'struct':
        return 40 + this.#sum(expr.entries.map(({ value }) => value));
      case 'bind':
        return this.cost(expr.value) + this.cost(expr.body) + 1;
      case 'fold':
        return this.#fold(expr);
      case 'call':
        return this.#call(expr);
    }
  }

  #sum(exprs: readonly Expr[]): number {
    return exprs.reduce((total, one) => total + this.cost(one), 0);
  }

  #fold(expr: FoldExpr): number {
    const size = expr.macro.startsWith('opt') ? 1 : this.#size(expr.range);
    // What goes on around the body in each round: looking at what was found so far, and adding to it.
    const around = { all: 3, exists: 4, existsOne: 2, filter: 12, map: 12 }[expr.macro as string] ?? 12;
    const round = this.cost(expr.body) + (expr.filter ? this.cost(expr.filter) : 0) + around;
    this.#sizes.set(expr, size);
    return this.cost(expr.range) + size * round + 1;
  }

  #call(expr: CallExpr): number {
    const { name, target, args } = expr;
    const isMember = target !== undefined && !this.#checked.calls.get(expr)?.isNamespaced;
    const given = isMember ? [target, ...args] : args;
    if (name === '_?_:_') {
      const [condition, yes, no] = given as [Expr, Expr, Expr];
      return this.cost(condition) + Math.max(this.cost(yes), this.cost(no));
    }
    const below = this.#sum(given);
    if (name === '_&&_' || name === '_||_') return below;
    return below + this.#own(name, given, expr);
  }

  #own(name: string, given: readonly Expr[], expr: Expr): number {
    const [first, second] = given;
    const sizes = given.map((one) => this.#size(one));
    const [size = 0, other = 0] = sizes;
    const made = (result: number, cost: number) => {
      this.#sizes.set(expr, result);
      return cost;
    };
    switch (name) {
      case '_+_': {
        const type = this.#typeOf(expr);
        if (type.kind === 'list') return made(size + other, 1);
        const isText = type.kind === 'primitive' && (type.name === 'string' || type.name === 'bytes');
        return isText ? made(size + other, Math.max(1, (size + other) * perCharacter)) : 1;
      }
      case '_==_':
      case '_!=_':
      case '_<_':
      case '_<=_':
      case '_>_':
      case '_>=_':
        return Math.max(1, Math.min(this.#compared(first, size), this.#compared(second, other)) * perCharacter);
      case '@in':
        return second && this.#typeOf(second).kind === 'list' ? Math.max(1, other) : 1;
      case 'matches':
        return Math.max(1, (size + 1) * perCharacter * other * perRegexCharacter);
      case 'find':
      case 'findAll':
        return made(size, Math.max(1, size * perCharacter * other * perRegexCharacter));
      case 'contains':
        return this.#typeOf(first!).kind === 'primitive'
          ? Math.max(1, size * perCharacter * other * perCharacter)
          : size * other;
      case 'startsWith':
      case 'endsWith':
        return Math.max(1, other * perCharacter);
      case 'isSorted':
      case 'sum':
      case 'max':
      case 'min':
      case 'indexOf':
      case 'lastIndexOf':
        return Math.max(1, this.#typeOf(first!).kind === 'list' ? size : size * perCharacter);
      case 'lowerAscii':
      case 'upperAscii':
      case 'trim':
      case 'replace':
      case 'split':
      case 'substring':
      case 'url':
      case 'isURL':
      case 'quantity':
      case 'isQuantity':
        return made(size, Math.max(1, size * perCharacter));
      case 'join':
        return Math.max(1, size);
      case 'intersects':
      case 'equivalent':
        return Math.max(1, size * other);
      default:
        return 1;
    }
  }

  /** What there is to compare of a value. */
  #compared(expr: Expr | undefined, size: number): number {
    const type = expr && this.#typeOf(expr);
    if (type?.kind === 'list') return size * Math.max(1, smallestSize(type.element));
    return size;
  }
}
