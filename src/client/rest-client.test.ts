import { expect, test } from 'vitest';
import type { KubeObject } from '../apimachinery/object.ts';
import { createClient } from './rest-client.ts';
import type { RawRequest } from './types.ts';

test('whole numbers of custom resources are exact on their way here and back', async () => {
  const text = '{"apiVersion":"e/v1","kind":"A","metadata":{"name":"a"},"spec":{"n":9007199254740993}}';
  const asked: RawRequest[] = [];
  const client = createClient({
    request: async (request) => {
      asked.push(request);
      const body = request.path.includes('watch=1') ? `{"type":"ADDED","object":${text}}\n` : text;
      const bytes = (async function* () {
        yield Buffer.from(body);
      })();
      return { status: 200, headers: {}, body: bytes };
    },
  });
  const resource = client.resource<KubeObject & { spec: unknown }>({ group: 'e', version: 'v1', resource: 'as' });
  await resource.update(await resource.get('a'));
  expect(asked[1]?.body).toBe(text);
  for await (const { object } of resource.watch({ signal: new AbortController().signal })) {
    expect(JSON.stringify(object)).toBe(text);
  }
});
