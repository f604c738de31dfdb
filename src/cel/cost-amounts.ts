// Costs and sizes as ranges. What is not known is as large as an unsigned number of 64 bits, and stays so.
import type { LiteralExpr } from './ast.ts';
import type { CelType } from './types.ts';

export interface Amount {
  readonly min: number;
  readonly max: number;
}

const largest = 2 ** 64;

export const nothing: Amount = { min: 0, max: 0 };
export const unknown: Amount = { min: 0, max: largest };

export function fixed(amount: number): Amount {
  return { min: amount, max: amount };
}

const held = (amount: number) => Math.min(amount, largest);

export function add(...amounts: readonly Amount[]): Amount {
  return {
    min: held(amounts.reduce((sum, { min }) => sum + min, 0)),
    max: held(amounts.reduce((sum, { max }) => sum + max, 0)),
  };
}

export function times(a: Amount, b: Amount): Amount {
  return { min: held(a.min * b.min), max: held(a.max * b.max) };
}

/** Rounded up. */
export function scaled({ min, max }: Amount, factor: number): Amount {
  return { min: held(Math.ceil(min * factor)), max: held(Math.ceil(max * factor)) };
}

export function union(a: Amount, b: Amount): Amount {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/** The size of a value of the source. */
export function costOf(value: LiteralExpr['value']): Amount {
  if (typeof value === 'string') return fixed([...value].length);
  return fixed(value instanceof Uint8Array ? value.length : 1);
}

/** How many characters, bytes or elements the values of a type from a schema have at the most; none: they are not counted. */
export function sizeOf(type: CelType): number {
  return 'maxSize' in type && type.maxSize !== undefined ? type.maxSize : 0;
}
