// `kubectl get cs`: how the parts of the control plane are, asked for when somebody asks; nothing of it is stored.
import type { ComponentStatus } from '../../api/core/v1/types.generated.ts';
import { notFound } from '../../apimachinery/status.ts';
import type { HealthCheck } from '../health.ts';
import type { ApiResponse } from '../request.ts';
import { StoredObject } from '../watch-cache/stored-object.ts';
import { listResponse } from './list-response.ts';
import { listQuery, selectorOf } from './options.ts';
import { objectResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';

export async function handleComponentStatuses(request: ResourceRequest): Promise<ApiResponse> {
  const { info, definition, parts } = request;
  const { components = [] } = parts.extensions;
  if (info.name !== '') {
    const asked = components.find(({ name }) => name === info.name);
    if (!asked) throw notFound(definition, info.name);
    return objectResponse(request, unstored(await statusOf(asked)));
  }
  const selects = selectorOf(listQuery(request.request.query, definition, false), definition) ?? (() => true);
  const all = await Promise.all(components.map(statusOf));
  return listResponse(request, all.filter(selects).map(unstored), {});
}

async function statusOf({ name, check }: HealthCheck): Promise<ComponentStatus> {
  const wrong = await check();
  const condition = wrong === undefined ? { status: 'True', message: 'ok' } : { status: 'False', error: wrong };
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name } as ComponentStatus['metadata'],
    conditions: [{ type: 'Healthy', ...condition }],
  };
}

const unstored = (object: ComponentStatus) => new StoredObject('', JSON.stringify(object), 0);
