import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { type DeleteOptions, planDeletion, validateDeleteOptions } from './deletion.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function plan(
  metadata: Partial<KubeObject['metadata']>,
  options: DeleteOptions = {},
  gracePeriodSeconds?: number,
): ReturnType<typeof planDeletion> {
  return planDeletion({ object: { metadata: { name: 'x', ...metadata } }, options, gracePeriodSeconds, now });
}

describe('planDeletion', () => {
  test('nothing holds the object: it goes', () => {
    expect(plan({})).toEqual({ type: 'remove' });
  });

  test('a finalizer holds it: marked once, then it waits', () => {
    const first = plan({ finalizers: ['example.com/hold'] });
    expect(first).toMatchObject({
      type: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 } },
    });
    expect(first.type === 'mark' && plan(first.object.metadata)).toEqual({ type: 'wait' });
  });

  test.each([
    ['Foreground', ['foregroundDeletion']],
    ['Orphan', ['orphan']],
  ] as const)('%s adds its finalizer', (propagationPolicy, finalizers) => {
    expect(plan({}, { propagationPolicy })).toMatchObject({ type: 'mark', object: { metadata: { finalizers } } });
  });

  test('a kind that orphans does where nobody says otherwise, by options or by a finalizer', () => {
    const planned = (metadata: Partial<KubeObject['metadata']>, options: DeleteOptions) => {
      const object = { metadata: { name: 'x', ...metadata } };
      return planDeletion({ object, options, gracePeriodSeconds: undefined, orphansByDefault: true, now });
    };
    expect(planned({}, {})).toMatchObject({ type: 'mark', object: { metadata: { finalizers: ['orphan'] } } });
    expect(planned({}, { propagationPolicy: 'Background' })).toEqual({ type: 'remove' });
    expect(planned({}, { orphanDependents: false })).toEqual({ type: 'remove' });
    expect(planned({ finalizers: ['foregroundDeletion'] }, {})).toMatchObject({
      object: { metadata: { finalizers: ['foregroundDeletion'] } },
    });
  });

  test('Background takes the garbage collector’s finalizers away', () => {
    const metadata = { finalizers: ['foregroundDeletion'], deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(plan(metadata, { propagationPolicy: 'Background' })).toEqual({ type: 'remove' });
  });

  test('a grace period sets the time at which the object may go, and counts the generation', () => {
    expect(plan({ generation: 1 }, {}, 30)).toMatchObject({
      type: 'mark',
      object: {
        metadata: { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30, generation: 2 },
      },
    });
    expect(plan({}, { gracePeriodSeconds: 0 }, 30)).toEqual({ type: 'remove' });
    expect(plan({}, { gracePeriodSeconds: 60 }, 0)).toEqual({ type: 'remove' });
  });

  test('a second delete may only shorten the wait', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 };
    expect(plan(metadata, {}, 30)).toEqual({ type: 'wait' });
    expect(plan(metadata, { gracePeriodSeconds: 60 }, 30)).toEqual({ type: 'wait' });
    expect(plan(metadata, { gracePeriodSeconds: 5 }, 30)).toMatchObject({
      type: 'mark',
      object: { metadata: { deletionTimestamp: '2026-01-01T00:00:05Z', deletionGracePeriodSeconds: 5 } },
    });
    expect(plan(metadata, { gracePeriodSeconds: 0 }, 30)).toEqual({ type: 'remove' });
  });
});

test('options that make no sense are refused', () => {
  expect(() => validateDeleteOptions({ propagationPolicy: 'Sideways' })).toThrow(
    'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
  );
  expect(() => validateDeleteOptions({ propagationPolicy: 'Orphan', orphanDependents: true })).toThrow(
    'cannot be both set',
  );
});
