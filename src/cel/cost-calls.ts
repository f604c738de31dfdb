// What calls may cost, from the sizes of what they are called with, and the size of what they give: the estimates beside the
// costs of call-cost.ts.
import { table } from '../apimachinery/table.ts';
import type { Expr } from './ast.ts';
import { perCharacter, perRegexCharacter } from './call-cost.ts';
import { type Amount, add, fixed, scaled, times, unknown } from './cost-amounts.ts';
import type { Overload } from './overload.ts';
import { type CelType, isPrimitive, isSame } from './types.ts';

export interface CallContext {
  /** The target, if there is one, and the arguments. */
  readonly exprs: readonly Expr[];
  readonly types: readonly CelType[];
  readonly sizes: readonly Amount[];
  /** What the schema says of the elements of one of them. */
  readonly itemSize: (i: number) => Amount | undefined;
}

export interface CallEstimate {
  readonly cost: Amount;
  /** Of the result, where it follows from the call. */
  readonly size?: Amount;
}

type Estimate = (context: CallContext, overload: Overload) => CallEstimate;

export function estimateCall(overload: Overload, context: CallContext): CallEstimate {
  return estimates[overload.name]?.(context, overload) ?? one;
}

const one: CallEstimate = { cost: fixed(1) };
const newList = fixed(10);

function size({ sizes }: CallContext, i: number): Amount {
  return sizes[i] ?? unknown;
}

const isText = (type: CelType | undefined) =>
  type !== undefined && (isPrimitive(type, 'string') || isPrimitive(type, 'bytes'));

/** Through the first text; what is made of it is no longer. */
const kept: Estimate = (context) => ({ cost: scaled(size(context, 0), perCharacter), size: size(context, 0) });
const read: Estimate = (context) => ({ cost: scaled(size(context, 0), perCharacter) });

/** Every element of a list is compared, or a text gone through. */
const through: Estimate = (context) => {
  const [type] = context.types;
  if (type?.kind !== 'list') return { cost: scaled(size(context, 0), perCharacter) };
  const items = isText(type.element) ? scaled(context.itemSize(0) ?? unknown, perCharacter) : fixed(0);
  return { cost: times(size(context, 0), add(fixed(1), items)) };
};

const selector: Estimate = (context) => {
  const length = size(context, 1);
  return { cost: add(newList, scaled(length, perCharacter), scaled(scaled(length, 0.5), 50)) };
};

const replace: Estimate = (context) => {
  const [whole, from, to] = [size(context, 0), size(context, 1), size(context, 2)];
  const result = {
    min: shortest(whole, from, to),
    max: longest(whole, from, to),
  };
  return { cost: scaled(whole, 2 * perCharacter), size: times({ min: 1, max: 1 }, result) };
};

/** An empty text is found around every character. */
function longest(whole: Amount, from: Amount, to: Amount): number {
  if (from.min === 0) return (whole.max + 1) * to.max + whole.max;
  return to.max <= from.min ? whole.max : Math.ceil(whole.max / from.min) * to.max;
}

function shortest(whole: Amount, from: Amount, to: Amount): number {
  if (from.max === 0) return (whole.min + 1) * to.min + whole.min;
  return from.max <= to.min ? whole.min : Math.ceil(whole.min / from.max) * to.min;
}

const split: Estimate = (context) => {
  const whole = size(context, 0);
  const limit = context.exprs[2];
  const isKnown = limit?.kind === 'literal' && limit.type === 'int';
  const most = isKnown ? Number(BigInt.asUintN(64, limit.value)) : whole.max;
  return { cost: scaled(whole, 2 * perCharacter), size: { min: 0, max: most } };
};

const join: Estimate = (context) => {
  const count = size(context, 0);
  let length = times(count, context.itemSize(0) ?? unknown);
  if (context.sizes.length > 1) {
    const between = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) };
    length = add(length, times(size(context, 1), between));
  }
  return { cost: scaled(length, perCharacter), size: length };
};

function matched(context: CallContext): Amount {
  const subject = scaled(add(size(context, 0), fixed(1)), perCharacter);
  return times(subject, scaled(size(context, 1), perRegexCharacter));
}

const find: Estimate = (context) => ({ cost: matched(context), size: { min: 0, max: size(context, 0).max } });

/** Four bytes or sixteen, twice. */
const twoAddresses = scaled({ min: 8, max: 32 }, perCharacter);

function parsed(context: CallContext, { parameters }: Overload): Amount {
  return isPrimitive(parameters[1]!, 'string') ? scaled(size(context, 1), perCharacter) : fixed(0);
}

const containsIP: Estimate = (context, overload) => ({ cost: add(twoAddresses, parsed(context, overload)) });
const containsCIDR: Estimate = (context, overload) => {
  const masked = scaled({ min: 4, max: 16 }, perCharacter);
  return { cost: add(twoAddresses, masked, fixed(1), parsed(context, overload)) };
};

function made(count: Amount): CallEstimate {
  return { cost: add(count, newList, fixed(1)), size: count };
}

function numberIn(expr: Expr | undefined, otherwise: number): number {
  if (expr?.kind !== 'literal' || expr.type !== 'int') return otherwise;
  return Math.max(0, Number(expr.value));
}

const slice: Estimate = (context) => {
  const { exprs } = context;
  const count = numberIn(exprs[2], size(context, 0).max) - numberIn(exprs[1], 0);
  return made(fixed(count < 0 ? count + unknown.max : count));
};

function compared(count: Amount, type: CelType | undefined): CallEstimate {
  const cost = scaled(times(count, count), isText(type) ? 2 + perCharacter : 2);
  return { cost: add(cost, newList, fixed(1)), size: times(count, count) };
}

const elementOf = (type: CelType | undefined) => (type?.kind === 'list' ? type.element : undefined);

function product(factor: number): Estimate {
  return (context) => ({ cost: add(scaled(times(size(context, 0), size(context, 1)), factor), fixed(1)) });
}

/** The shorter of two decides. */
const smaller: Estimate = (context) => {
  const most = Math.min(size(context, 0).max, size(context, 1).max);
  return { cost: scaled({ min: most > 0 ? 1 : 0, max: most }, perCharacter) };
};

const ordered: Estimate = (context, overload) => (isText(overload.parameters[0]) ? smaller(context, overload) : one);

/** Formats and URLs are compared as texts, whatever else is opaque at once. */
const opaqueSizes = table<number>({ 'kubernetes.NamedFormat': 64, 'kubernetes.URL': 1 });

const equals: Estimate = (context, overload) => {
  const [a, b] = context.types;
  if (a?.kind !== 'opaque' || !b || !isSame(a, b) || a.name === 'optional_type') return smaller(context, overload);
  return { cost: { min: 1, max: Math.ceil((opaqueSizes[a.name] ?? 1) * perCharacter) } };
};

const plus: Estimate = (context, { parameters }) => {
  const [first] = parameters;
  const result = add(size(context, 0), size(context, 1));
  if (first?.kind === 'list') return { cost: fixed(1), size: result };
  return isText(first) ? { cost: scaled(result, perCharacter), size: result } : one;
};

const estimates = table<Estimate>({
  check: () => ({ cost: fixed(350_000) }),
  fieldSelector: selector,
  labelSelector: selector,
  isSorted: through,
  sum: through,
  max: through,
  min: through,
  indexOf: through,
  lastIndexOf: through,
  url: kept,
  'jsonpatch.escapeKey': kept,
  lowerAscii: kept,
  upperAscii: kept,
  substring: kept,
  trim: kept,
  replace,
  split,
  join,
  find,
  findAll: find,
  matches: (context) => ({ cost: matched(context) }),
  cidr: read,
  isIP: read,
  isCIDR: read,
  ip: (context, { isMember }) => (isMember ? one : { cost: scaled(size(context, 0), perCharacter) }),
  'ip.isCanonical': (context) => ({ cost: scaled(size(context, 0), 2 * perCharacter) }),
  containsIP,
  containsCIDR,
  quantity: read,
  isQuantity: read,
  semver: read,
  isSemver: read,
  validate: (context) => ({ cost: scaled(scaled(size(context, 1), perCharacter), 128 * perRegexCharacter) }),
  slice,
  'lists.range': ({ exprs }) => made(fixed(numberIn(exprs[0], unknown.max))),
  reverse: (context) => made(size(context, 0)),
  flatten: (context) => {
    const count = size(context, 0);
    const depth = context.exprs.length > 1 ? numberIn(context.exprs[1], unknown.max) : 1;
    return { cost: add(scaled(count, depth), newList, fixed(1)), size: count };
  },
  distinct: (context) => compared(size(context, 0), elementOf(context.types[0])),
  sort: (context, { parameters }) => compared(size(context, 0), elementOf(parameters[0])),
  '@sortByAssociatedKeys': (context, { parameters }) => compared(size(context, 1), elementOf(parameters[1])),
  'sets.contains': product(1),
  'sets.intersects': product(1),
  'sets.equivalent': product(2),
  format: read,
  bytes: (context, { parameters }) => {
    if (!isPrimitive(parameters[0]!, 'string')) return one;
    const { min, max } = size(context, 0);
    return { cost: scaled({ min, max }, perCharacter), size: { min, max: max * 4 } };
  },
  string: (context, { parameters }) => {
    if (!isPrimitive(parameters[0]!, 'bytes')) return one;
    const { min, max } = size(context, 0);
    return { cost: scaled({ min, max }, perCharacter), size: { min: Math.floor(min / 4), max } };
  },
  'strings.quote': (context) => {
    const { min, max } = size(context, 0);
    // What is not known wraps around to nothing.
    const most = max === unknown.max ? 0 : max * 2 + 2;
    return { cost: scaled({ min, max }, perCharacter), size: { min: min + 2, max: most } };
  },
  startsWith: (context) => ({ cost: scaled(size(context, 1), perCharacter) }),
  endsWith: (context) => ({ cost: scaled(size(context, 1), perCharacter) }),
  contains: (context) => ({
    cost: times(scaled(size(context, 0), perCharacter), scaled(size(context, 1), perCharacter)),
  }),
  '@in': (context, { parameters }) => ({ cost: parameters[1]!.kind === 'list' ? size(context, 1) : fixed(1) }),
  '_==_': equals,
  '_!=_': smaller,
  '_<_': ordered,
  '_<=_': ordered,
  '_>_': ordered,
  '_>=_': ordered,
  '_+_': plus,
});
