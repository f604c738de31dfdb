// Calls that are no calls: `has`, `all`, `map`, … with one variable and with two, `cel.bind`, `optMap`.
import type { CallExpr, Expr, FoldMacro } from './ast.ts';
import { CelSyntaxError } from './errors.ts';

/** By name and number of arguments: how many of them are variables, and whether one of the rest is a filter. */
const folds: Readonly<
  Record<string, { readonly macro: FoldMacro; readonly variables: 1 | 2; readonly filter?: true }>
> = {
  'all/2': { macro: 'all', variables: 1 },
  'all/3': { macro: 'all', variables: 2 },
  'exists/2': { macro: 'exists', variables: 1 },
  'exists/3': { macro: 'exists', variables: 2 },
  'exists_one/2': { macro: 'existsOne', variables: 1 },
  'existsOne/2': { macro: 'existsOne', variables: 1 },
  'exists_one/3': { macro: 'existsOne', variables: 2 },
  'existsOne/3': { macro: 'existsOne', variables: 2 },
  'map/2': { macro: 'map', variables: 1 },
  'map/3': { macro: 'map', variables: 1, filter: true },
  'filter/2': { macro: 'filter', variables: 1 },
  'transformList/3': { macro: 'transformList', variables: 2 },
  'transformList/4': { macro: 'transformList', variables: 2, filter: true },
  'transformMap/3': { macro: 'transformMap', variables: 2 },
  'transformMap/4': { macro: 'transformMap', variables: 2, filter: true },
  'transformMapEntry/3': { macro: 'transformMapEntry', variables: 2 },
  'transformMapEntry/4': { macro: 'transformMapEntry', variables: 2, filter: true },
  'optMap/2': { macro: 'optMap', variables: 1 },
  'optFlatMap/2': { macro: 'optFlatMap', variables: 1 },
  'sortBy/2': { macro: 'sortBy', variables: 1 },
};

export function expandMacro(call: CallExpr): Expr {
  const { name, target, args, at } = call;
  if (!target) return name === 'has' && args.length === 1 ? expandHas(args[0]!) : call;
  if (name === 'bind' && target.kind === 'ident' && target.name === 'cel' && args.length === 3) {
    const [variable, value, body] = args as [Expr, Expr, Expr];
    return {
      kind: 'bind',
      name: nameOf(variable, 'cel.bind() variable names must be simple identifiers'),
      value,
      body,
      at,
    };
  }
  const fold = folds[`${name}/${args.length}`];
  if (!fold) return call;
  const variables = args.slice(0, fold.variables).map((arg) => nameOf(arg, 'argument must be a simple name'));
  const rest = args.slice(fold.variables);
  const filter = fold.filter ? rest[0] : undefined;
  const body = rest.at(-1)!;
  return { kind: 'fold', macro: fold.macro, range: target, variables, ...(filter && { filter }), body, at };
}

function expandHas(arg: Expr): Expr {
  if (arg.kind === 'select') return { ...arg, testOnly: true };
  throw new CelSyntaxError({ at: arg.at, message: 'invalid argument to has() macro' });
}

function nameOf(expr: Expr, message: string): string {
  if (expr.kind === 'ident') return expr.name;
  throw new CelSyntaxError({ at: expr.at, message });
}
