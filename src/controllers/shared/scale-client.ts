// The scale subresource of whatever has one.
import type { Scale } from '../../api/autoscaling/v1/types.generated.ts';
import type { Status } from '../../apimachinery/meta/v1.generated.ts';
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

/** The kind is not served, there is no such object, its kind does not scale, or the server says something else. */
export type NoScale =
  | { readonly why: 'unserved'; readonly message: string }
  | {
      readonly why: 'missing' | 'unscalable' | 'refused';
      readonly message: string;
      /** `jobs.batch` */
      readonly resource: string;
    };

/** As the server's discovery has it; undefined for a kind that is not served. */
export async function resourceOfKind(
  client: Client,
  group: string,
  kind: string,
): Promise<DiscoveredResource | undefined> {
  const { resources } = await discoverResources(client);
  return resources.find((one) => one.group === group && one.kind === kind);
}

export async function findScale(client: Client, target: ScaleTarget): Promise<FoundScale | NoScale> {
  const { apiVersion, kind, name, namespace } = target;
  const { group } = parseApiVersion(apiVersion);
  const resource = await resourceOfKind(client, group, kind);
  if (!resource) return { why: 'unserved', message: `no matches for kind "${kind}" in group "${group}"` };
  const path = resourcePath(resource, { namespace, name, subresource: 'scale' });
  const response = await client.raw({ method: 'GET', path, headers: { accept: 'application/json' } });
  const text = await readText(response.body);
  const full = group === '' ? resource.resource : `${resource.resource}.${group}`;
  if (response.status !== 200) {
    const { message = 'the server could not find the requested resource', details } = statusOf(text);
    const why = response.status !== 404 ? 'refused' : details?.name === name ? 'missing' : 'unscalable';
    return { why, message, resource: full };
  }
  const scale = JSON.parse(text) as Scale;
  return {
    scale,
    async resize(replicas) {
      const body = JSON.stringify({ ...scale, spec: { ...scale.spec, replicas } });
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      const answer = await client.raw({ method: 'PUT', path, headers, body });
      const reply = await readText(answer.body);
      if (answer.status >= 300)
        throw new Error(statusOf(reply).message ?? `the scale of ${full} ${name}: ${answer.status}`);
    },
  };
}

function statusOf(text: string): Partial<Status> {
  try {
    return JSON.parse(text) as Partial<Status>;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
