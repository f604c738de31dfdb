// The resources of metrics.k8s.io/v1beta1 and their OpenAPI documents: `kubectl explain podmetrics`.
import type { JSONSchemaProps } from '../../api/apiextensions/v1/types.generated.ts';
import { type OpenApi, type OpenApiResource, openApi } from '../../api/openapi/openapi.ts';
import { kubernetesVersion } from '../version.ts';

const usage: JSONSchemaProps = {
  description: 'The memory usage is the memory working set.',
  type: 'object',
  additionalProperties: { 'x-kubernetes-int-or-string': true },
};

/** Of both kinds; metrics are the sample that was taken at the end of a window. */
const sample = {
  timestamp: { description: 'The end of the window.', type: 'string', format: 'date-time' },
  window: { description: 'How long the metrics were collected, up to the timestamp.', type: 'string' },
} satisfies Record<string, JSONSchemaProps>;

const nodeMetrics: JSONSchemaProps = {
  description: 'What a node uses.',
  type: 'object',
  required: ['timestamp', 'window', 'usage'],
  properties: { ...sample, usage },
};

const podMetrics: JSONSchemaProps = {
  description: 'What the containers of a pod use.',
  type: 'object',
  required: ['timestamp', 'window', 'containers'],
  properties: {
    ...sample,
    containers: {
      description: 'Of all containers, within the same window.',
      type: 'array',
      items: { type: 'object', required: ['name', 'usage'], properties: { name: { type: 'string' }, usage } },
    },
  },
};

const facts = { group: 'metrics.k8s.io', version: 'v1beta1', shortNames: [], categories: [], verbs: ['get', 'list'] };

export const metricsResources: readonly OpenApiResource[] = [
  { ...facts, resource: 'nodes', singular: '', namespaced: false, kind: 'NodeMetrics', openApiSchema: nodeMetrics },
  { ...facts, resource: 'pods', singular: '', namespaced: true, kind: 'PodMetrics', openApiSchema: podMetrics },
];

export function metricsOpenApi(): OpenApi {
  return openApi({ resources: metricsResources, version: `v${kubernetesVersion}` });
}
