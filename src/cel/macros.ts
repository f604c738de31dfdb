// Calls that are no calls: `has`, `all`, `map`, … with one variable and with two, `optMap`, `sortBy`. Each becomes the same
// comprehension as in cel-go, since its messages and its cost show which.
import type { CallExpr, ComprehensionExpr, Expr } from './ast.ts';
import { CelSyntaxError } from './errors.ts';

/** Names that no source can write. */
const accumulator = '@result';
const unused = '#unused';
const sorted = '@__sortBy_input__';
const optionalTarget = '@target';

type Loop = Pick<ComprehensionExpr, 'range' | 'variables' | 'init' | 'step'> &
  Partial<Pick<ComprehensionExpr, 'condition' | 'result'>>;

/** Makes nodes that all stand where the macro is called. */
class Maker {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }

  literal(value: boolean | bigint): Expr {
    const place = { kind: 'literal', at: this.at } as const;
    return typeof value === 'bigint' ? { ...place, type: 'int', value } : { ...place, type: 'bool', value };
  }

  ident(name: string): Expr {
    return { kind: 'ident', name, at: this.at };
  }

  get accumulated(): Expr {
    return this.ident(accumulator);
  }

  list(...values: readonly Expr[]): Expr {
    return { kind: 'list', elements: values.map((value) => ({ value, optional: false })), at: this.at };
  }

  emptyMap(): Expr {
    return { kind: 'map', entries: [], at: this.at };
  }

  call(name: string, ...args: readonly Expr[]): Expr {
    return { kind: 'call', name, args, at: this.at };
  }

  method(target: Expr, name: string, ...args: readonly Expr[]): Expr {
    return { kind: 'call', name, target, args, at: this.at };
  }

  binding(name: string, init: Expr, result: Expr): Expr {
    const loop = { range: this.list(), variables: [unused], condition: this.literal(false), step: this.ident(name) };
    return { kind: 'comprehension', accumulator: name, init, result, ...loop, at: this.at };
  }

  comprehension(loop: Loop): Expr {
    const { condition = this.literal(true), result = this.accumulated } = loop;
    return { kind: 'comprehension', accumulator, ...loop, condition, result, at: this.at };
  }
}

interface MacroCall {
  readonly make: Maker;
  readonly range: Expr;
  readonly args: readonly Expr[];
}

type Macro = (call: MacroCall) => Expr;
type Variables = (args: readonly Expr[]) => readonly string[];

function all(variables: Variables): Macro {
  return ({ make, range, args }) =>
    make.comprehension({
      range,
      variables: variables(args),
      init: make.literal(true),
      condition: make.call('@not_strictly_false', make.accumulated),
      step: make.call('_&&_', make.accumulated, args.at(-1)!),
    });
}

function exists(variables: Variables): Macro {
  return ({ make, range, args }) =>
    make.comprehension({
      range,
      variables: variables(args),
      init: make.literal(false),
      condition: make.call('@not_strictly_false', make.call('!_', make.accumulated)),
      step: make.call('_||_', make.accumulated, args.at(-1)!),
    });
}

function existsOne(variables: Variables): Macro {
  return ({ make, range, args }) => {
    const more = make.call('_+_', make.accumulated, make.literal(1n));
    return make.comprehension({
      range,
      variables: variables(args),
      init: make.literal(0n),
      step: make.call('_?_:_', args.at(-1)!, more, make.accumulated),
      result: make.call('_==_', make.accumulated, make.literal(1n)),
    });
  };
}

/** The step of a macro that collects: only where the filter, if there is one, says so. */
function filtered(make: Maker, filter: Expr | undefined, step: Expr): Expr {
  return filter ? make.call('_?_:_', filter, step, make.accumulated) : step;
}

function map({ make, range, args }: MacroCall): Expr {
  const variables = [nameOf(args[0]!, 'argument is not an identifier')];
  const added = make.call('_+_', make.accumulated, make.list(args.at(-1)!));
  const step = filtered(make, args.length === 3 ? args[1] : undefined, added);
  return make.comprehension({ range, variables, init: make.list(), step });
}

function filter({ make, range, args }: MacroCall): Expr {
  const [variable, condition] = args as [Expr, Expr];
  const variables = [nameOf(variable, 'argument is not an identifier')];
  const step = filtered(make, condition, make.call('_+_', make.accumulated, make.list(variable)));
  return make.comprehension({ range, variables, init: make.list(), step });
}

interface Transform {
  readonly init: (make: Maker) => Expr;
  /** What was collected, and one more. */
  readonly step: (make: Maker, key: string, value: Expr) => Expr;
}

function transform({ init, step }: Transform): Macro {
  return ({ make, range, args }) => {
    const variables = twoVariables(args);
    const added = step(make, variables[0]!, args.at(-1)!);
    const filter = args.length === 4 ? args[2] : undefined;
    return make.comprehension({ range, variables, init: init(make), step: filtered(make, filter, added) });
  };
}

const transformList = transform({
  init: (make) => make.list(),
  step: (make, _, value) => make.call('_+_', make.accumulated, make.list(value)),
});
const transformMap = transform({
  init: (make) => make.emptyMap(),
  step: (make, key, value) => make.call('cel.@mapInsert', make.accumulated, make.ident(key), value),
});
const transformMapEntry = transform({
  init: (make) => make.emptyMap(),
  step: (make, _, entry) => make.call('cel.@mapInsert', make.accumulated, entry),
});

function optional(name: string, present: (make: Maker, value: Expr) => Expr): Macro {
  return ({ make, range, args }) => {
    const [variable, body] = args as [Expr, Expr];
    if (variable.kind !== 'ident') {
      throw new CelSyntaxError({ at: variable.at, message: `${name}() variable name must be a simple identifier` });
    }
    // A name may be looked at twice, anything else is given one.
    const target = range.kind === 'ident' ? range : { kind: 'ident' as const, name: optionalTarget, at: make.at };
    const found = present(make, make.binding(variable.name, make.method({ ...target, at: make.at }, 'value'), body));
    const result = make.call('_?_:_', make.method(target, 'hasValue'), found, make.call('optional.none'));
    return range.kind === 'ident' ? result : make.binding(optionalTarget, range, result);
  };
}

function sortBy({ make, range, args }: MacroCall): Expr {
  if (range.kind === 'literal' || range.kind === 'map' || range.kind === 'struct') {
    const message = 'sortBy can only be applied to a list, identifier, comprehension, call or select expression';
    throw new CelSyntaxError({ at: range.at, message });
  }
  const keys = map({ make, range: make.ident(sorted), args });
  return make.binding(sorted, range, make.method(make.ident(sorted), '@sortByAssociatedKeys', keys));
}

/** By name and number of arguments. */
const macros: ReadonlyMap<string, Macro> = new Map([
  ['all/2', all(oneVariable)],
  ['all/3', all(twoVariables)],
  ['exists/2', exists(oneVariable)],
  ['exists/3', exists(twoVariables)],
  ['exists_one/2', existsOne(oneVariable)],
  ['exists_one/3', existsOne(twoVariables)],
  ['existsOne/3', existsOne(twoVariables)],
  ['map/2', map],
  ['map/3', map],
  ['filter/2', filter],
  ['transformList/3', transformList],
  ['transformList/4', transformList],
  ['transformMap/3', transformMap],
  ['transformMap/4', transformMap],
  ['transformMapEntry/3', transformMapEntry],
  ['transformMapEntry/4', transformMapEntry],
  ['optMap/2', optional('optMap', (make, value) => make.call('optional.of', value))],
  ['optFlatMap/2', optional('optFlatMap', (_, value) => value)],
  ['sortBy/2', sortBy],
]);

/** Throws a CelSyntaxError for a macro with arguments that it cannot have. */
export function expandMacro(call: CallExpr): Expr {
  const { name, target, args, at } = call;
  if (!target) return name === 'has' && args.length === 1 ? expandHas(args[0]!, at) : call;
  const macro = macros.get(`${name}/${args.length}`);
  return macro ? macro({ make: new Maker(at), range: target, args }) : call;
}

function expandHas(arg: Expr, at: number): Expr {
  if (arg.kind === 'select' && !arg.optional) return { ...arg, testOnly: true, at };
  throw new CelSyntaxError({ at: arg.at, message: 'invalid argument to has() macro' });
}

function oneVariable([variable]: readonly Expr[]): readonly string[] {
  return [nameOf(variable!, 'argument must be a simple name')];
}

function twoVariables([first, second]: readonly Expr[]): readonly string[] {
  const names = [nameOf(first!, 'argument must be a simple name'), nameOf(second!, 'argument must be a simple name')];
  if (names[0] !== names[1]) return names;
  throw new CelSyntaxError({ at: second!.at, message: `duplicate variable name: ${names[0]}` });
}

function nameOf(expr: Expr, message: string): string {
  if (expr.kind !== 'ident') throw new CelSyntaxError({ at: expr.at, message });
  if (expr.name !== '__result__') return expr.name;
  throw new CelSyntaxError({ at: expr.at, message: 'iteration variable overwrites accumulator variable' });
}
