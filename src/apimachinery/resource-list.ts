// Arithmetic on resource lists (`{cpu: 500m, memory: 1Gi}`), as k8s.io/apiserver/pkg/quota/v1 does it.

import { addQuantities, compareQuantities, parseQuantity, printQuantity, type Quantity } from './quantity.ts';
import { ownValue } from './table.ts';

/** Amounts by resource name, read. */
export type Amounts = Readonly<Record<string, Quantity>>;

/** As in an object: amounts by resource name, as their texts. */
export type ResourceList = Readonly<Record<string, string>>;

/** Reads a list; throws QuantityError for a text that is no quantity. */
export function parseAmounts(list: ResourceList | undefined): Amounts {
  return mapAmounts(list ?? {}, (text) => parseQuantity(String(text)));
}

export function printAmounts(amounts: Amounts): Record<string, string> {
  return mapAmounts(amounts, printQuantity);
}

/** What either has; summed where both have it. */
export function addAmounts(a: Amounts, b: Amounts): Amounts {
  const sum: Record<string, Quantity> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const present = ownValue(sum, name);
    sum[name] = present ? addQuantities(present, amount) : amount;
  }
  return sum;
}

/** What either has; the larger where both have it. */
export function maxAmounts(a: Amounts, b: Amounts): Amounts {
  const most: Record<string, Quantity> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const present = ownValue(most, name);
    if (!present || compareQuantities(amount, present) > 0) most[name] = amount;
  }
  return most;
}

/** `a` less `b`, nothing below zero; what only `b` has is zero. */
export function subtractAmounts(a: Amounts, b: Amounts): Amounts {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(
    names.map((name) => {
      const [from, less] = [ownValue(a, name), ownValue(b, name)];
      const { format } = (from ?? less)!;
      const nano = (from?.nano ?? 0n) - (less?.nano ?? 0n);
      return [name, { nano: nano < 0n ? 0n : nano, format }];
    }),
  );
}

/** Only what the names say. */
export function pickAmounts(amounts: Amounts, names: Iterable<string>): Amounts {
  const wanted = new Set(names);
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => wanted.has(name)));
}

/** The names of which `a` has more than `b` allows; what `b` does not name is not limited. */
export function exceeding(a: Amounts, b: Amounts): string[] {
  return Object.keys(a).filter((name) => {
    const limit = ownValue(b, name);
    return limit !== undefined && compareQuantities(a[name]!, limit) > 0;
  });
}

/** Whether both name the same resources with the same amounts. */
export function equalAmounts(a: Amounts, b: Amounts): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const other = ownValue(b, name);
      return other !== undefined && compareQuantities(a[name]!, other) === 0;
    })
  );
}

function mapAmounts<A, B>(list: Readonly<Record<string, A>>, change: (amount: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, change(amount)]));
}
