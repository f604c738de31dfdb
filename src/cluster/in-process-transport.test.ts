import { expect, test } from 'vitest';
import type { ApiRequest, ApiResponse } from '../apiserver/request.ts';
import { CacheEvent } from '../apiserver/watch-cache/resource-cache.ts';
import { StoredObject } from '../apiserver/watch-cache/stored-object.ts';
import { InProcessTransport } from './in-process-transport.ts';

const user = { name: 'portico', groups: [] };
const stored = new StoredObject(
  '/registry/core/configmaps/default/a',
  '{"kind":"ConfigMap","metadata":{"name":"a"}}',
  7,
);
const event = new CacheEvent('ADDED', stored, undefined);

/** Answers any request with a watch that tells of one event, and ends with its client. */
function serverOf(seen: { request?: ApiRequest }) {
  return {
    async handle(request: ApiRequest): Promise<ApiResponse> {
      seen.request = request;
      return {
        status: 200,
        headers: {},
        body: {
          async pushTo(sink) {
            if (sink.writeEvent) sink.writeEvent({ type: 'ADDED', object: stored.object });
            else sink.write(event.frame('ADDED'));
            await new Promise((resolve) => request.signal.addEventListener('abort', resolve, { once: true }));
          },
        },
      };
    },
  };
}

test('who takes events is given the very objects that the cache holds', async () => {
  const seen: { request?: ApiRequest } = {};
  const transport = new InProcessTransport(serverOf(seen), user);
  const { events } = await transport.request({ method: 'GET', path: '/w?watch=1', takesEvents: true });
  for await (const { object } of events!) {
    expect(object).toBe(stored.object);
    break;
  }
  expect(seen.request?.signal.aborted).toBe(true);
});

test('others read the same as bytes, and the server learns when they stop', async () => {
  const seen: { request?: ApiRequest } = {};
  const transport = new InProcessTransport(serverOf(seen), user);
  const { body, events } = await transport.request({ method: 'GET', path: '/w?watch=1' });
  expect(events).toBeUndefined();
  for await (const chunk of body) {
    expect(JSON.parse(Buffer.from(chunk).toString())).toEqual({ type: 'ADDED', object: stored.object });
    expect(seen.request?.signal.aborted).toBe(false);
    break;
  }
  expect(seen.request?.signal.aborted).toBe(true);
});

test('a request is what was asked, as the given user', async () => {
  const seen: { request?: ApiRequest } = {};
  const transport = new InProcessTransport(
    {
      async handle(request) {
        seen.request = request;
        return { status: 201, headers: { warning: ['a', 'b'] }, body: 'done' };
      },
    },
    user,
  );
  const headers = { 'Content-Type': 'application/json' };
  const answer = await transport.request({ method: 'POST', path: '/p?dryRun=All', headers, body: '{}' });
  expect(answer).toMatchObject({ status: 201, headers: { warning: 'a, b' } });
  const { method, path, query, trustedUser } = seen.request!;
  expect([method, path, query.get('dryRun'), trustedUser]).toEqual(['POST', '/p', 'All', user]);
  expect(seen.request?.headers).toEqual({
    'user-agent': 'portico',
    'content-type': 'application/json',
    'content-length': '2',
  });
  expect(Buffer.from(await seen.request!.body()).toString()).toBe('{}');
});
