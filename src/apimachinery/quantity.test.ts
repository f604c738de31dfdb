import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addQuantities,
  canonicalQuantity,
  canonicalResource,
  compareQuantities,
  parseQuantity,
  printQuantity,
  QuantityError,
  type QuantityFormat,
  quantityMilliValue,
  quantityOf,
  quantityValue,
  subtractQuantities,
} from './quantity.ts';

test.each([
  ['0', '0'],
  ['100m', '100m'],
  ['1500E', '1500E'],
  // Upstream knows no suffix beyond E, and writes none.
  ['1000E', '1'],
  ['-123000E', '-123'],
  ['1000000P', '1'],
  ['1000e18', '1e21'],
  ['1000m', '1'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['5.', '5.'],
  ['+1', '+1'],
  ['01', '01'],
  ['1.0', '1'],
  ['1.234', '1.234'],
  ['1.5', '1500m'],
  ['0.500', '500m'],
  ['2.000', '2'],
  ['1024Mi', '1Gi'],
  ['1Ki', '1Ki'],
  ['1023', '1023'],
  ['0.5Ki', '512'],
  ['1.5Gi', '1536Mi'],
  ['100', '100'],
  ['1000', '1k'],
  ['1100', '1100'],
  ['1e3', '1e3'],
  ['12E6', '12E6'],
  ['12000E6', '12e9'],
  ['1E', '1E'],
  ['1e0', '1e0'],
  ['100e-3', '100e-3'],
  ['0.1n', '1n'],
  ['-1500m', '-1500m'],
  ['0Ki', '0'],
  ['1.1Ki', '1126400m'],
  ['+3Ki', '+3Ki'],
  ['08Ki', '8Ki'],
  ['9223372036854775808', '9223372036854775808'],
  ['9223372036854775808Ki', '9223372036854775807'],
  ['1e30', '1e30'],
  ['12345678901234567890e15', '12345678901234567890e15'],
  ['0.1Ki', '102400m'],
  ['.0001Ki', '102400u'],
  ['.', '0'],
  ['-', '0'],
  ['Ki', '0'],
])('%s is written %s', (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical);
});

// What kube-apiserver answers of a container's requests.
test.each([
  ['0.0005', '1m'],
  ['1u', '1m'],
  ['1n', '1m'],
  ['0.1004', '101m'],
  ['1e-6', '1e-3'],
  ['1.000001', '1001m'],
  ['1.234', '1.234'],
  ['1Ei', '1Ei'],
  ['-1u', '-1m'],
])('%s is %s of a resource', (text, rounded) => {
  expect(canonicalResource(canonicalQuantity(text))).toBe(rounded);
});

test.each([
  ['', 'quantities must match'],
  ['Ei', 'unable to parse numeric part of quantity'],
  ['e-10', 'unable to parse numeric part of quantity'],
  ['5-3', "unable to parse quantity's suffix"],
  ['many', 'quantities must match'],
  ['1 Gi', 'quantities must match'],
  ['1KiB', 'quantities must match'],
  ['1K', "unable to parse quantity's suffix"],
  ['1ki', "unable to parse quantity's suffix"],
  ['1e', "unable to parse quantity's suffix"],
  ['1e9223372036854775808', "unable to parse quantity's suffix"],
])('%j is refused', (text, message) => {
  expect(() => parseQuantity(text)).toThrow(message);
});

test('exponents are of 32 bits', () => {
  expect(parseQuantity('1e4294967299').nano).toBe(parseQuantity('1000').nano);
});

// Recorded from k8s.io/apimachinery 1.36.
test.each([
  ['3.333', '3.333', '3334m'],
  ['3.333k', '3.333k', '3333001m'],
  ['+1', '+1', '1001m'],
  ['5.', '5.', '5001m'],
  ['1E3', '1E3', '1000001e-3'],
  ['0.333', '333m', '334m'],
  ['3.3330', '3333m', '3334m'],
])('%s is printed as it was written until something is added to it: %s, %s', (text, printed, more) => {
  const quantity = parseQuantity(text);
  expect(printQuantity(quantity)).toBe(printed);
  expect(printQuantity(addQuantities(quantity, parseQuantity('1m')))).toBe(more);
});

test('sizes and milli-values are rounded up', () => {
  expect(quantityValue(parseQuantity('1500m'))).toBe(2);
  expect(quantityMilliValue(parseQuantity('0.1'))).toBe(100);
  expect(quantityMilliValue(parseQuantity('1u'))).toBe(1);
  expect(quantityValue(parseQuantity('1Gi'))).toBe(2 ** 30);
  expect(parseQuantity('3')).toMatchObject(quantityOf(3));
});

const quantity = fc.record({
  nano: fc.bigInt({ min: -(10n ** 27n), max: 10n ** 27n }),
  format: fc.constantFrom<QuantityFormat>('BinarySI', 'DecimalSI', 'DecimalExponent'),
});

test('printing loses nothing, and what is printed is canonical', () => {
  fc.assert(
    fc.property(quantity, (q) => {
      const text = printQuantity(q);
      expect(parseQuantity(text).nano).toBe(q.nano);
      expect(canonicalQuantity(text)).toBe(text);
    }),
  );
});

test('adding then taking away gives the same value; order follows', () => {
  fc.assert(
    fc.property(quantity, quantity, (a, b) => {
      expect(compareQuantities(subtractQuantities(addQuantities(a, b), b), a)).toBe(0);
      expect(Math.sign(compareQuantities(a, b))).toBe(-Math.sign(compareQuantities(b, a)) || 0);
    }),
  );
});

test('a long text that is no quantity is refused at once', () => {
  const start = performance.now();
  for (const digit of ['0', '1']) expect(() => parseQuantity(`${digit.repeat(100_000)}x`)).toThrow(QuantityError);
  expect(performance.now() - start).toBeLessThan(1000);
});
