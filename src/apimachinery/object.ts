import type { NamedObjectMeta } from './meta/v1.generated.ts';

/** What every API object has. `apiVersion` and `kind` are absent on the items of a list. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: NamedObjectMeta;
}

/** A list as the API answers it. */
export interface KubeList<T> {
  apiVersion?: string;
  kind?: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** One event of a watch (API concept "watch"); ERROR carries a Status. */
export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | {
      readonly type: 'BOOKMARK';
      readonly object: Pick<KubeObject, 'apiVersion' | 'kind'> & {
        metadata: { resourceVersion: string; annotations?: Record<string, string> };
      };
    }
  | { readonly type: 'ERROR'; readonly object: unknown };

export interface GroupResource {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, lower case. */
  readonly resource: string;
}

export interface GroupVersionResource extends GroupResource {
  readonly version: string;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `v1` for the core group, else `group/version`: the value of an object's `apiVersion`. */
export function apiVersionOf(gv: { readonly group: string; readonly version: string }): string {
  return gv.group === '' ? gv.version : `${gv.group}/${gv.version}`;
}

/** The inverse of {@link apiVersionOf}. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** `services`, or outside the core group `deployments.apps`: how Go prints a GroupResource. */
export function printResource({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** A kind as Go prints it in errors: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`. */
export function printKind(apiVersion: string, kind: string): string {
  const { group, version } = parseApiVersion(apiVersion);
  return `${group}/${version}, Kind=${kind}`;
}

/** `namespace/name`, or the bare name of a cluster-scoped object: the key of caches and work queues. */
export function objectKey(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}
