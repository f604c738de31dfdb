import { expect, test } from 'vitest';
import type { ApiRequest } from '../request.ts';
import { parseRequestInfo } from '../request-info.ts';
import { RequestMetrics } from './request-metrics.ts';

/** The verbs under which these methods of `/x` and `/api/v1/pods` are counted. */
function verbsOf(methods: readonly string[]): string[] {
  const metrics = new RequestMetrics();
  for (const path of ['/x', '/api/v1/pods']) {
    for (const method of methods) {
      const query = new URLSearchParams();
      const request = { method, path, query, headers: {} } as unknown as ApiRequest;
      metrics.observe(request, parseRequestInfo(method, path, query), {
        ...{ code: 403, seconds: 0, bytes: 0, isServed: true },
      });
    }
  }
  const text = metrics.families.map((family) => family.print()).join('');
  return [...new Set([...text.matchAll(/verb="([^"]*)"/g)].map(([, verb = '']) => verb))].sort();
}

test('methods that a client makes up, as HTTP/2 lets it, are counted as one', () => {
  expect(verbsOf(Array.from({ length: 100 }, (_, i) => `MADE-UP-${i}`))).toEqual(['other']);
  expect(verbsOf(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])).toEqual([
    ...['DELETE', 'DELETECOLLECTION', 'GET', 'LIST', 'PATCH', 'POST', 'PUT', 'other'],
  ]);
});
