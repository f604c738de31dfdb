// Where objects lie in storage: `/registry/apps/deployments/NAMESPACE/NAME`, `/registry/core/nodes/NAME` in the core group.
import type { GroupResource } from '../apimachinery/object.ts';

export const registryPrefix = '/registry/';
/** What servers keep for themselves, no objects. */
export const ownPrefix = `${registryPrefix}portico/`;

/** What all keys of a resource start with: `/registry/apps/deployments/`. */
export function resourcePrefix({ group, resource }: GroupResource): string {
  return `${registryPrefix}${group || 'core'}/${resource}/`;
}

/** The same of a key, or a prefix, below {@link registryPrefix}. */
export function resourcePrefixOf(key: string): string {
  const group = key.indexOf('/', registryPrefix.length);
  return key.slice(0, key.indexOf('/', group + 1) + 1);
}

/** The resource of a key below {@link registryPrefix}. */
export function resourceOf(key: string): GroupResource {
  const [group = '', resource = ''] = key.slice(registryPrefix.length).split('/', 2);
  return { group: group === 'core' ? '' : group, resource };
}
