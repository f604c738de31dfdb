// What the API server serves (API concept "discovery"): for work over all resources, such as ending a namespace.
import type { APIGroupList, APIResourceList } from '../apimachinery/meta/v1.generated.ts';
import { apiVersionOf, type GroupVersionResource, parseApiVersion } from '../apimachinery/object.ts';
import { statusErrorOf } from './status-of-response.ts';
import type { Client } from './types.ts';
import { readText } from './watch-stream.ts';

export interface DiscoveredResource extends GroupVersionResource {
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

export interface Discovery {
  /** Each kind once, in its group's preferred version; no subresources. */
  readonly resources: readonly DiscoveredResource[];
  /** `group/version` of groups that did not answer, with the error. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Rejects when not even the list of groups can be had. */
export async function discoverResources(client: Client): Promise<Discovery> {
  const groups = await getJson<APIGroupList>(client, '/apis');
  const versions = ['v1'];
  for (const group of groups.groups) {
    const preferred = group.preferredVersion ?? group.versions[0];
    if (preferred) versions.push(preferred.groupVersion);
  }
  const failures = new Map<string, unknown>();
  const lists = await Promise.all(
    versions.map(async (version) => {
      try {
        return await resourcesOf(client, version);
      } catch (error) {
        failures.set(version, error);
        return [];
      }
    }),
  );
  return { resources: lists.flat(), failures };
}

async function resourcesOf(client: Client, groupVersion: string): Promise<DiscoveredResource[]> {
  const { group, version } = parseApiVersion(groupVersion);
  const root = group === '' ? `/api/${version}` : `/apis/${apiVersionOf({ group, version })}`;
  const list = await getJson<APIResourceList>(client, root);
  return list.resources
    .filter((r) => !r.name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({ group, version, resource: name, kind, namespaced, verbs }));
}

async function getJson<R>(client: Client, path: string): Promise<R> {
  const request = { method: 'GET', path, headers: { accept: 'application/json' } };
  const response = await client.raw(request);
  const text = await readText(response.body);
  if (response.status !== 200) throw statusErrorOf(request, response, text);
  return JSON.parse(text) as R;
}
