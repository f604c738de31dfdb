import { expect, test } from 'vitest';
import { metricsOpenApi } from './open-api.ts';

interface Document {
  readonly paths: Readonly<Record<string, object>>;
  readonly components: { readonly schemas: Readonly<Record<string, { properties: object }>> };
}

test('both kinds have their fields and their paths', () => {
  const { paths, components } = JSON.parse(
    metricsOpenApi().document('apis/metrics.k8s.io/v1beta1')?.body as string,
  ) as Document;
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      '/apis/metrics.k8s.io/v1beta1/nodes/{name}',
      '/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}',
    ]),
  );
  const fields = Object.entries(components.schemas).map(([name, { properties }]) => [
    name.split('.').at(-1),
    Object.keys(properties ?? {}).sort(),
  ]);
  expect(Object.fromEntries(fields)).toMatchObject({
    NodeMetrics: ['apiVersion', 'kind', 'metadata', 'timestamp', 'usage', 'window'],
    PodMetrics: ['apiVersion', 'containers', 'kind', 'metadata', 'timestamp', 'window'],
  });
});
