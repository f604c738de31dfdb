import { expect, test } from 'vitest';
import { checkSelectableFields, matchesFields, parseFieldSelector, requiredValue } from './field-selector.ts';

const pod: Readonly<Record<string, string>> = { 'metadata.name': 'a', 'spec.nodeName': 'x,y=z' };
const textOf = (field: string) => pod[field];

test.each([
  ['metadata.name=a', true],
  ['metadata.name==b', false],
  ['metadata.name!=b,spec.nodeName=x\\,y\\=z', true],
  ['status.phase=', true],
  ['', true],
])('%s is %s', (text, expected) => {
  expect(matchesFields(parseFieldSelector(text), textOf)).toBe(expected);
});

const builtIn = { known: [], namespaced: true, isCustom: false };
const custom = { known: [], namespaced: false, isCustom: true };

test('terms are read in their order as texts, and split at their first operator', () => {
  expect(parseFieldSelector('b\\=c,a!=2,,=3,d=x\\,y\\=z')).toEqual([
    { field: '', operator: '=', value: '3' },
    { field: 'a', operator: '!=', value: '2' },
    { field: 'b\\', operator: '=', value: 'c' },
    { field: 'd', operator: '=', value: 'x,y=z' },
  ]);
  expect(() => parseFieldSelector('b=\\x,a')).toThrow("can't understand 'a'");
});

test('errors are those of kube-apiserver', () => {
  expect(() => parseFieldSelector('a')).toThrow("invalid selector: 'a'; can't understand 'a'");
  expect(() => parseFieldSelector('a=b=c')).toThrow('invalid field selector: unescaped character in value: 61');
  expect(() => parseFieldSelector('a=\\b')).toThrow('invalid field selector: invalid escape sequence: \\b');
  expect(() => checkSelectableFields(parseFieldSelector('data.n=1'), builtIn)).toThrow(
    '"data.n" is not a known field selector: only "metadata.name", "metadata.namespace"',
  );
  expect(() => checkSelectableFields(parseFieldSelector('data.n=1'), { ...builtIn, known: ['spec.nodeName'] })).toThrow(
    'field label not supported: data.n',
  );
  expect(() => checkSelectableFields(parseFieldSelector('data.n=1'), custom)).toThrow(
    'field label not supported: data.n',
  );
  expect(() => checkSelectableFields(parseFieldSelector('metadata.namespace=a'), custom)).toThrow(
    'field label not supported: metadata.namespace',
  );
  expect(() => checkSelectableFields(parseFieldSelector('metadata.name=1'), builtIn)).not.toThrow();
});

test('a list by name knows the name', () => {
  const selector = parseFieldSelector('metadata.name=a,metadata.namespace!=b');
  expect(requiredValue(selector, 'metadata.name')).toBe('a');
  expect(requiredValue(selector, 'metadata.namespace')).toBeUndefined();
});
