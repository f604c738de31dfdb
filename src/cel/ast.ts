// The tree of an expression, macros expanded into nodes of their own.

interface Node {
  /** Offset into the source, in UTF-16 units: where messages point. */
  readonly at: number;
}

export type Expr =
  | LiteralExpr
  | IdentExpr
  | SelectExpr
  | CallExpr
  | ListExpr
  | MapExpr
  | StructExpr
  | ComprehensionExpr;

export type LiteralExpr = Node & { readonly kind: 'literal' } & Literal;

type Literal =
  | { readonly type: 'null'; readonly value: null }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int' | 'uint'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array };

export interface IdentExpr extends Node {
  readonly kind: 'ident';
  readonly name: string;
}

export interface SelectExpr extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** `has(a.b)`. */
  readonly testOnly: boolean;
  /** `a.?b`. */
  readonly optional: boolean;
}

/** Operators are calls of `_+_`, `!_`, `_[_]`, `_[?_]`, `_?_:_`, `@in`; macros also use `@not_strictly_false`. */
export interface CallExpr extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly target?: Expr;
  readonly args: readonly Expr[];
}

export interface ListExpr extends Node {
  readonly kind: 'list';
  readonly elements: readonly { readonly value: Expr; readonly optional: boolean }[];
}

export interface MapExpr extends Node {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly optional: boolean }[];
}

/** `Object.spec{replicas: 1}`. */
export interface StructExpr extends Node {
  readonly kind: 'struct';
  readonly name: string;
  readonly entries: readonly StructEntry[];
}

export interface StructEntry extends Node {
  readonly field: string;
  readonly value: Expr;
  readonly optional: boolean;
}

/**
 * What macros over lists and maps are: the accumulator starts as `init`, becomes `step` for each element while `condition` is
 * not false, and `result` is the value. Over nothing, with a condition that is false, it gives the value of `init` a name.
 */
export interface ComprehensionExpr extends Node {
  readonly kind: 'comprehension';
  readonly range: Expr;
  /** One variable: the element or key. Two: index and element, or key and value. */
  readonly variables: readonly string[];
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

/** A comprehension that only names a value: its init is evaluated when the name is first looked at. */
export function isBinding({ range, condition }: ComprehensionExpr): boolean {
  const isEmpty = range.kind === 'list' && range.elements.length === 0;
  return isEmpty && condition.kind === 'literal' && condition.value === false;
}
