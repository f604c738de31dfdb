import { expect, test } from 'vitest';
import { builtinSchemas } from '../../api/schema.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { applied, applyPatchOf } from './apply.ts';

const schemas = builtinSchemas();

const manifest = (spec: object, kind = 'Service'): KubeObject =>
  ({
    kind,
    apiVersion: kind === 'Service' ? 'v1' : 'demo.io/v1',
    metadata: { name: 'web', namespace: 'demo' },
    spec,
  }) as KubeObject;

/** As it is after `kubectl apply` of `last`, with what a server adds. */
const live = (last: KubeObject, spec: object): KubeObject =>
  ({
    ...last,
    metadata: {
      ...last.metadata,
      annotations: {
        added: 'by others',
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
          ...last,
          metadata: { ...last.metadata, annotations: {} },
        }),
      },
    },
    spec,
  }) as KubeObject;

const first = manifest({
  selector: { app: 'web', tier: 'x' },
  ports: [
    { port: 80, name: 'http' },
    { port: 81, name: 'more' },
  ],
});
const there = live(first, {
  clusterIP: '10.96.0.9',
  selector: { app: 'web', tier: 'x', kept: 'yes' },
  ports: [
    { port: 80, name: 'http', targetPort: 80, nodePort: 30001 },
    { port: 81, name: 'more', targetPort: 81, nodePort: 30002 },
    { port: 82, name: 'added', targetPort: 82, nodePort: 30003 },
  ],
});

test('what the last apply said and the manifest says no more goes; what others added stays', () => {
  const next = manifest({ selector: { app: 'new' }, ports: [{ port: 80, name: 'www' }] });
  const { metadata, spec } = applied(next, there, schemas) as KubeObject & { spec: object };
  expect(spec).toEqual({
    clusterIP: '10.96.0.9',
    selector: { app: 'new', kept: 'yes' },
    ports: [
      { port: 80, name: 'www', targetPort: 80, nodePort: 30001 },
      { port: 82, name: 'added', targetPort: 82, nodePort: 30003 },
    ],
  });
  expect(metadata.annotations?.added).toBe('by others');
});

test('the same manifest again, and one of what nobody applied before, take nothing away', () => {
  expect(applied(first, there, schemas)).toEqual(there);
  const unapplied = { ...there, metadata: first.metadata };
  const next = manifest({ selector: { app: 'new' } });
  expect((applied(next, unapplied, schemas) as KubeObject & { spec: object }).spec).toMatchObject({
    selector: { app: 'new', tier: 'x', kept: 'yes' },
    ports: [{ port: 80 }, { port: 81 }, { port: 82 }],
  });
});

test('custom resources have no merge keys: lists are replaced', () => {
  const last = manifest({ list: [{ name: 'a' }], gone: 1 }, 'Thing');
  const next = manifest({ list: [{ name: 'b' }] }, 'Thing');
  const patch = applyPatchOf(next, live(last, {}), schemas);
  expect([patch.type, patch.body.spec]).toEqual(['merge', { gone: null, list: [{ name: 'b' }] }]);
});
