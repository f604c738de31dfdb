import { expect, test } from 'vitest';
import { fieldErrorMessage } from '../../../../apimachinery/validation/field-error.ts';
import { builtinResources } from '../../../registry.ts';
import type { Namespace } from '../types.generated.ts';

const { strategy } = builtinResources().find(({ resource }) => resource === 'namespaces')!;
const { finalize } = strategy.subresources!;

function namespaceOf(finalizers: string[], more: Partial<Namespace> = {}): Namespace {
  return { metadata: { name: 'n', resourceVersion: '1' }, spec: { finalizers }, status: { phase: 'Active' }, ...more };
}

test('at /finalize finalizers have names that are known or in a domain', () => {
  const refusals = (object: Namespace) => finalize!.validateUpdate!(object, namespaceOf([])).map(fieldErrorMessage);
  expect(refusals(namespaceOf(['kubernetes', 'example.com/mine']))).toEqual([]);
  expect(refusals(namespaceOf(['kubernetes', 'mine']))).toEqual([
    'spec.finalizers[1]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ]);
  const labelled = namespaceOf([], { metadata: { name: 'n', resourceVersion: '1', labels: { a: 'b c' } } });
  expect(refusals(labelled)[0]).toContain('metadata.labels: Invalid value: "b c"');
});

test('/finalize changes no status', () => {
  const object = namespaceOf([], { status: { phase: 'Terminating' } });
  finalize!.prepareForUpdate!(object, namespaceOf(['kubernetes']));
  expect(object).toMatchObject({ spec: { finalizers: [] }, status: { phase: 'Active' } });
});
