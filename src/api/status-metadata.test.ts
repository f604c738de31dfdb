import { expect, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { builtinResources } from './registry.ts';

const definitions = builtinResources().filter(({ resource, subresources }) =>
  subresources.some((one) => one.resource === `${resource}/status`),
);

const old = { labels: { a: 'old' }, annotations: { a: 'old' }, finalizers: ['example.com/old'] };
const told = { labels: { a: 'new' }, annotations: { a: 'new' }, finalizers: ['example.com/new'] };

/** Kinds whose status is not the place to change metadata: all of it, or labels. */
const keeps: Readonly<Record<string, string>> = {
  deployments: 'labels',
  apiservices: 'all',
  volumeattachments: 'all',
  flowschemas: 'all',
  prioritylevelconfigurations: 'all',
  validatingadmissionpolicies: 'all',
  resourceclaims: 'all',
};

test.each(definitions.map((one) => [`${one.resource}.${one.group}/${one.version}`, one] as const))(
  'the status of %s',
  (_, { resource, strategy }) => {
    const object = (metadata: object): KubeObject => ({
      metadata: { name: 'x', ...structuredClone(metadata) },
      ...{ spec: {}, status: {} },
    });
    const written = object(told);
    strategy.prepareForStatusUpdate!(written, object(old));
    const kept = keeps[resource];
    const expected = kept === 'all' ? old : kept === 'labels' ? { ...told, labels: old.labels } : told;
    expect(written.metadata).toMatchObject(expected);
  },
);

const { strategy: podStrategy } = definitions.find(({ resource }) => resource === 'pods')!;
const owner = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' };

function podOf(metadata: object): KubeObject {
  return {
    metadata: { name: 'x', ...structuredClone(metadata) },
    ...{ spec: { containers: [{ name: 'c', image: 'x' }] }, status: {} },
  };
}

test.each(['resize', 'ephemeralcontainers'])('a write of %s changes no metadata of a pod', (subresource) => {
  const written = podOf({ ...told, ownerReferences: [owner] });
  podStrategy.subresources![subresource]!.prepareForUpdate!(written, podOf(old));
  expect(written.metadata).toMatchObject(old);
  expect(written.metadata.ownerReferences).toBeUndefined();
});

test('a status gives a pod no owner', () => {
  const written = podOf({ ownerReferences: [owner] });
  podStrategy.prepareForStatusUpdate!(written, podOf({}));
  expect(written.metadata.ownerReferences).toBeUndefined();
});
