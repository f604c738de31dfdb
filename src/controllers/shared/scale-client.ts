// The scale subresource of whatever has one.
import type { Scale } from '../../api/autoscaling/v1/types.generated.ts';
import { parseApiVersion } from '../../apimachinery/object.ts';
import { type DiscoveredResource, discoverResources } from '../../client/discovery.ts';
import { resourcePath } from '../../client/rest-client.ts';
import type { Client } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';

export interface ScaleTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

export interface FoundScale {
  readonly scale: Scale;
  /** Writes another number of replicas; rejects when the server refuses. */
  resize(replicas: number): Promise<void>;
}

/** As the server's discovery has it; undefined for a kind that is not served. */
export async function resourceOfKind(
  client: Client,
  group: string,
  kind: string,
): Promise<DiscoveredResource | undefined> {
  const { resources } = await discoverResources(client);
  return resources.find((one) => one.group === group && one.kind === kind);
}

/** A text says why there is none: the kind is not served, the object is not there, or it does not scale. */
export async function findScale(client: Client, target: ScaleTarget): Promise<FoundScale | string> {
  const { apiVersion, kind, name, namespace } = target;
  const { group } = parseApiVersion(apiVersion);
  const resource = await resourceOfKind(client, group, kind);
  if (!resource) return `no matches for kind "${kind}" in group "${group}"`;
  const path = resourcePath(resource, { namespace, name, subresource: 'scale' });
  const response = await client.raw({ method: 'GET', path, headers: { accept: 'application/json' } });
  const text = await readText(response.body);
  const full = group === '' ? resource.resource : `${resource.resource}.${group}`;
  if (response.status !== 200) return messageOf(text) ?? `${full} does not implement the scale subresource`;
  const scale = JSON.parse(text) as Scale;
  return {
    scale,
    async resize(replicas) {
      const body = JSON.stringify({ ...scale, spec: { ...scale.spec, replicas } });
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const answer = await client.raw({ method: 'PUT', path, headers, body });
      const reply = await readText(answer.body);
      if (answer.status >= 300) throw new Error(messageOf(reply) ?? `the scale of ${full} ${name}: ${answer.status}`);
    },
  };
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
