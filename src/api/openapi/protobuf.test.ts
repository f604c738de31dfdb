import { expect, test } from 'vitest';
import { encodeSwagger } from './protobuf.ts';

/** A field with a length: its number, and what it holds. */
function field(number: number, ...content: readonly (string | Uint8Array)[]): Buffer {
  const bytes = Buffer.concat(content.map((one) => Buffer.from(one as string)));
  // Two bytes for a tag from 16 on, and for a length from 128 on.
  const small = (value: number) => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
  return Buffer.concat([Buffer.from([...small((number << 3) | 2), ...small(bytes.length)]), bytes]);
}
const flag = (number: number) => Buffer.from([number << 3, 1]);
const named = (name: string, ...value: readonly Uint8Array[]) => [field(1, name), field(2, ...value)];

test('a document has the numbers of openapi.v2.Document', () => {
  const gvk = [{ group: '', kind: 'Thing', version: 'v1' }];
  const bytes = encodeSwagger({
    swagger: '2.0',
    info: { title: 'T', version: 'v1' },
    paths: {
      '/things/{name}': {
        parameters: [{ name: 'name', in: 'path', required: true, type: 'string' }],
        put: {
          operationId: 'putThing',
          'x-kubernetes-action': 'put',
          parameters: [
            { name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/Thing' } },
            { name: 'force', in: 'query', type: 'boolean' },
          ],
          responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/Thing' } } },
        },
      },
    },
    definitions: {
      Thing: {
        type: 'object',
        required: ['spec'],
        properties: { spec: { type: 'array', items: { type: 'string' } }, tags: { additionalProperties: true } },
        'x-kubernetes-group-version-kind': gvk,
      },
    },
  });
  const reference = field(1, '#/definitions/Thing');
  const type = (name: string) => field(22, field(1, name));
  const extension = (name: string, value: unknown) => named(name, field(2, JSON.stringify(value)));
  const expected = [
    field(1, '2.0'),
    field(2, field(1, 'T'), field(2, 'v1')),
    field(
      8,
      field(
        2,
        ...named(
          '/things/{name}',
          field(
            3,
            field(5, 'putThing'),
            field(8, field(1, field(1, field(2, 'body'), field(3, 'body'), flag(4), field(5, reference)))),
            field(8, field(1, field(2, field(3, field(2, 'query'), field(4, 'force'), field(6, 'boolean'))))),
            field(9, field(1, ...named('200', field(1, field(1, 'OK'), field(2, field(1, reference)))))),
            field(13, ...extension('x-kubernetes-action', 'put')),
          ),
          field(9, field(1, field(2, field(4, flag(1), field(2, 'path'), field(4, 'name'), field(5, 'string'))))),
        ),
      ),
    ),
    field(
      9,
      field(
        1,
        ...named(
          'Thing',
          field(19, 'spec'),
          type('object'),
          field(
            25,
            field(1, ...named('spec', type('array'), field(23, field(1, type('string'))))),
            field(1, ...named('tags', field(21, flag(2)))),
          ),
          field(31, ...extension('x-kubernetes-group-version-kind', gvk)),
        ),
      ),
    ),
  ];
  expect(Buffer.from(bytes).toString('latin1')).toBe(Buffer.concat(expected).toString('latin1'));
});
