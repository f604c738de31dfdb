// What the API server serves (API concept "discovery"): for work over all resources, such as ending a namespace.
import type { APIGroupList, APIResourceList, APIVersions } from '../apimachinery/meta/v1.generated.ts';
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

/** Resource by resource of one `group/version`; undefined: the list has to be asked for. */
type VersionList = readonly [version: string, resources: readonly DiscoveredResource[] | undefined];

/** Rejects when not even the list of groups can be had. */
export async function discoverResources(client: Client): Promise<Discovery> {
  const versions = await Promise.all([versionsBelow(client, '/api'), versionsBelow(client, '/apis')]);
  const failures = new Map<string, unknown>();
  const lists = await Promise.all(
    versions.flat().map(async ([version, resources]) => {
      try {
        return resources ?? (await resourcesOf(client, version));
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

/** Groups with all their resources in one answer, or plainly by servers that do not know that form. */
const aggregatedFirst = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** As much of an APIGroupDiscoveryList as is read here. */
interface GroupDiscoveryList {
  readonly kind: 'APIGroupDiscoveryList';
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      /** Stale: the server behind the version did not answer. */
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind: { readonly kind: string };
        readonly scope: string;
        readonly verbs: readonly string[];
      }[];
    }[];
  }[];
}

/** The versions of each group, the preferred one first. */
async function versionsBelow(client: Client, root: '/api' | '/apis'): Promise<VersionList[]> {
  const answer = await getJson<GroupDiscoveryList | APIGroupList | APIVersions>(client, root, aggregatedFirst);
  if ('items' in answer) return answer.items.flatMap(versionLists);
  if ('versions' in answer) return answer.versions.map((version) => [version, undefined]);
  return answer.groups.flatMap(({ versions, preferredVersion }) => {
    const served = versions.map(({ groupVersion }) => groupVersion);
    const preferred = preferredVersion?.groupVersion;
    const ordered = new Set(preferred === undefined ? served : [preferred, ...served]);
    return [...ordered].map((version): VersionList => [version, undefined]);
  });
}

function versionLists({ metadata, versions }: GroupDiscoveryList['items'][number]): VersionList[] {
  const group = metadata.name ?? '';
  return versions.map(({ version, freshness, resources = [] }) => {
    const discovered = resources.map(({ resource, responseKind: { kind }, scope, verbs }) => {
      return { group, version, resource, kind, namespaced: scope === 'Namespaced', verbs };
    });
    return [apiVersionOf({ group, version }), freshness === 'Stale' ? undefined : discovered];
  });
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

async function getJson<R>(client: Client, path: string, accept = 'application/json'): Promise<R> {
  const request = { method: 'GET', path, headers: { accept } };
  const response = await client.raw(request);
  const text = await readText(response.body);
  if (response.status !== 200) throw statusErrorOf(request, response, text);
  return JSON.parse(text) as R;
}
