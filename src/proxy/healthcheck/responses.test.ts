import { describe, expect, test } from 'vitest';
import { isNodeEligible, proxyHealthResponse, serviceHealthResponse } from './responses.ts';

describe('a health check node port', () => {
  test.each([
    [2, true, 200],
    [0, true, 503],
    [2, false, 503],
  ])('%i endpoints, healthy %s: %i', (localEndpoints, healthy, status) => {
    const response = serviceHealthResponse({ namespace: 'demo', name: 'lb', localEndpoints }, { healthy });
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject({
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
    });
    expect(JSON.parse(response.body)).toEqual({
      service: { namespace: 'demo', name: 'lb' },
      localEndpoints,
      serviceProxyHealthy: healthy,
    });
  });
});

describe('the proxy', () => {
  const health = { healthy: true, lastUpdated: 0, now: 1000, families: ['IPv4'] };

  test('/healthz counts the node in, /livez does not', () => {
    expect(proxyHealthResponse(health, false).status).toBe(503);
    expect(JSON.parse(proxyHealthResponse(health, false).body)).toMatchObject({ nodeEligible: false, healthy: true });
    expect(proxyHealthResponse(health).status).toBe(200);
    expect(JSON.parse(proxyHealthResponse(health).body)).not.toHaveProperty('nodeEligible');
    expect(proxyHealthResponse({ ...health, healthy: false }).status).toBe(503);
  });

  test('a node that goes is not eligible', () => {
    const node = { metadata: { name: 'a' }, spec: {} };
    expect(isNodeEligible(node)).toBe(true);
    expect(isNodeEligible(undefined)).toBe(false);
    expect(isNodeEligible({ ...node, metadata: { name: 'a', deletionTimestamp: '2026-01-01T00:00:00Z' } })).toBe(false);
    const taints = [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }];
    expect(isNodeEligible({ ...node, spec: { taints } })).toBe(false);
  });
});
