import { afterEach, expect, test, vi } from 'vitest';
import { clusterAccess } from './cluster-access.ts';

afterEach(() => vi.unstubAllEnvs());

test('without a kubeconfig there must be a pod around it', async () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
  await expect(clusterAccess('dns', undefined)).rejects.toMatchObject({
    message: 'dns: say how to reach the API server with --kubeconfig FILE',
    exitCode: 2,
  });
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1');
  await expect(clusterAccess('dns', '')).rejects.toThrow('not in a pod, and no kubeconfig was given');
});
