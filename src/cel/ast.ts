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
  | FoldExpr
  | BindExpr;

export interface LiteralExpr extends Node {
  readonly kind: 'literal';
  readonly type: 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes';
  readonly value: null | boolean | bigint | number | string | Uint8Array;
}

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

/** Operators are calls of `_+_`, `!_`, `_[_]`, `_[?_]`, `_?_:_`, `@in`. */
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

export type FoldMacro =
  | 'all'
  | 'exists'
  | 'existsOne'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'optMap'
  | 'optFlatMap'
  | 'sortBy';

/** A macro over a list, a map or an optional. */
export interface FoldExpr extends Node {
  readonly kind: 'fold';
  readonly macro: FoldMacro;
  readonly range: Expr;
  /** One variable: the element or key. Two: index and element, or key and value. */
  readonly variables: readonly string[];
  /** Of `map` and the transforms, where they have one: which elements. */
  readonly filter?: Expr;
  readonly body: Expr;
}

/** `cel.bind(name, value, body)`. */
export interface BindExpr extends Node {
  readonly kind: 'bind';
  readonly name: string;
  readonly value: Expr;
  readonly body: Expr;
}
