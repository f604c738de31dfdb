import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../apimachinery/object.ts';
import { type ConversionReview, webhookConversion } from './conversion.ts';

const object = (name: string, apiVersion = 'example.com/v1'): KubeObject => ({
  apiVersion,
  kind: 'Widget',
  metadata: { name, namespace: 'n', uid: `uid-${name}`, labels: { a: 'b' } },
});

const answered = (change: (objects: KubeObject[]) => unknown[], response: object = {}) => {
  const asked: ConversionReview[] = [];
  const convert = webhookConversion({
    uuid: () => 'the-uid',
    reviewVersion: 'v1',
    async send(review) {
      asked.push(review);
      const objects = structuredClone(review.request.objects) as KubeObject[];
      const convertedObjects = change(objects.map((one) => ({ ...one, apiVersion: review.request.desiredAPIVersion })));
      const common = { uid: 'the-uid', result: { status: 'Success' }, convertedObjects };
      return { kind: review.kind, apiVersion: review.apiVersion, response: { ...common, ...response } };
    },
  });
  return { asked, convert: async (...objects: KubeObject[]) => convert(objects, 'example.com/v2') };
};

const start = 'conversion webhook for example.com/v1, Kind=Widget';

describe('conversion by webhook', () => {
  test('asks once for all that need it, and leaves the rest where it was', async () => {
    const { asked, convert } = answered((objects) => objects);
    const result = await convert(object('a'), object('b', 'example.com/v2'), object('c'));
    expect(result.map(({ apiVersion, metadata }) => `${metadata.name} ${apiVersion}`)).toEqual([
      'a example.com/v2',
      'b example.com/v2',
      'c example.com/v2',
    ]);
    expect(asked.map(({ request }) => request.objects.length)).toEqual([2]);
  });

  test('takes labels and annotations from the answer, and no other metadata', async () => {
    const { convert } = answered(([first]) => [
      { ...first, metadata: { ...first!.metadata, labels: { c: 'd' }, annotations: { e: 'f' }, finalizers: ['x/y'] } },
    ]);
    const [converted] = await convert(object('a'));
    expect(converted!.metadata).toEqual({ ...object('a').metadata, labels: { c: 'd' }, annotations: { e: 'f' } });
  });

  test.each<[string, (objects: KubeObject[]) => unknown[], object, string]>([
    ['too few', () => [], {}, `${start} returned 0 objects, expected 1`],
    ['another uid', (o) => o, { uid: 'x' }, `${start} failed: expected response.uid="the-uid", got "x"`],
    ['a refusal', (o) => o, { result: { status: 'Failure', message: 'no' } }, `${start} failed: no`],
    ['no word', (o) => o, { result: {} }, `${start} failed: response.result.status was '', not 'Success'`],
    [
      'the wrong version',
      ([o]) => [{ ...o, apiVersion: 'example.com/v3' }],
      {},
      `${start} returned invalid converted object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v3)`,
    ],
    [
      'another name',
      ([o]) => [{ ...o, metadata: { ...o!.metadata, name: 'z' } }],
      {},
      `${start} returned invalid converted object at index 0: must have the same name: a != z`,
    ],
    [
      'another uid of the object',
      ([o]) => [{ ...o, metadata: { ...o!.metadata, uid: 'z' } }],
      {},
      `${start} returned invalid converted object at index 0: must have the same UID: uid-a != z`,
    ],
    [
      'no metadata',
      ([o]) => [{ ...o, metadata: undefined }],
      {},
      `${start} returned invalid metadata in object at index 0: missing metadata in converted object`,
    ],
  ])('refuses %s', async (...[, change, response, message]) => {
    await expect(answered(change, response).convert(object('a'))).rejects.toMatchObject({
      status: { code: 500, message },
    });
  });
});
