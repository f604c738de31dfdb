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
  /** Each resource once, in the version its group prefers, else in the first that serves it; no subresources. */
  readonly resources: readonly DiscoveredResource[];
  /** `group/version` of groups that did not answer, with the error. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Rejects when not even the list of groups can be had. */
export async function discoverResources(client: Client): Promise<Discovery> {
  const groups = await getJson<APIGroupList>(client, '/apis');
  const versions = ['v1'];
  for (const group of groups.groups) {
    const served = group.versions.map(({ groupVersion }) => groupVersion);
    const preferred = group.preferredVersion?.groupVersion;
    versions.push(...new Set(preferred === undefined ? served : [preferred, ...served]));
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
  const once = new Map<string, DiscoveredResource>();
  for (const one of lists.flat()) {
    const key = `${one.group}/${one.resource}`;
    if (!once.has(key)) once.set(key, one);
  }
  return { resources: [...once.values()], failures };
}

/** The resources of `group/version`, or `v1`. Rejects with a StatusError: NotFound where it is not served. */
export async function resourcesOf(client: Client, groupVersion: string): Promise<DiscoveredResource[]> {
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
