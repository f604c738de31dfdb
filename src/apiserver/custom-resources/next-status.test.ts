import { expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../api/apiextensions/v1/types.generated.ts';
import { nextStatus } from './next-status.ts';

const now = '2026-01-01T00:00:00Z';

function definition(change: (crd: CustomResourceDefinition) => void = () => {}): CustomResourceDefinition {
  const crd: CustomResourceDefinition = {
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', singular: 'foo', kind: 'Foo', listKind: 'FooList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  change(crd);
  return crd;
}

/** The conditions after each write, until there is nothing left to write. */
function steps(crd: CustomResourceDefinition, others: readonly CustomResourceDefinition[] = []): string[][] {
  const seen: string[][] = [];
  for (let status = nextStatus(crd, others, now); status; status = nextStatus(crd, others, now)) {
    crd.status = status;
    seen.push((status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`));
  }
  return seen;
}

const named = 'NamesAccepted=True/NoConflicts';
const approved = 'KubernetesAPIApprovalPolicyConformant=True/ApprovedAnnotation';

test.each<[string, (crd: CustomResourceDefinition) => void, string[][]]>([
  [
    'is established after its names are accepted',
    () => {},
    [
      [named, 'Established=False/Installing'],
      [named, 'Established=True/InitialNamesAccepted'],
    ],
  ],
  [
    'of a group of Kubernetes’ own says first where it was approved',
    ({ spec, metadata }) => {
      spec.group = 'example.k8s.io';
      metadata.annotations = { 'api-approved.kubernetes.io': 'https://example.com/x' };
    },
    [
      [approved],
      [approved, named, 'Established=False/Installing'],
      [approved, named, 'Established=True/InitialNamesAccepted'],
    ],
  ],
  [
    'whose webhook nobody could trust is not established',
    ({ spec }) => {
      const clientConfig = { url: 'https://x', caBundle: Buffer.from('x').toString('base64') };
      spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } };
    },
    [
      [named, 'Established=False/Installing'],
      [named, 'Established=False/InvalidCABundle'],
    ],
  ],
])('a definition %s', (_, change, expected) => expect(steps(definition(change))).toEqual(expected));

test('names that another has are waited for', () => {
  const other = definition();
  steps(other);
  const crd = definition(({ spec }) => (spec.names = { ...spec.names, plural: 'bars', shortNames: ['foo', 'foos'] }));
  expect(steps(crd, [other])).toEqual([['NamesAccepted=False/ListKindConflict', 'Established=False/NotAccepted']]);
  expect(crd.status?.acceptedNames).toEqual({ plural: 'bars', kind: '' });
  crd.spec.names = { plural: 'bars', singular: 'bar', kind: 'Bar', listKind: 'BarList', shortNames: ['foo', 'foos'] };
  expect(steps(crd, [other])).toEqual([['NamesAccepted=False/ShortNamesConflict', 'Established=False/NotAccepted']]);
  expect(crd.status?.conditions?.[0]?.message).toBe('["foo" is already in use, "foos" is already in use]');
  expect(steps(crd)).toEqual([
    [named, 'Established=False/Installing'],
    [named, 'Established=True/InitialNamesAccepted'],
  ]);
});
