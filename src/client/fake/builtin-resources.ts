import { table } from '../../api/facts/resources.generated.ts';
import { parseApiVersion } from '../../apimachinery/object.ts';
import type { DiscoveredResource } from '../discovery.ts';

/** The resources of a Kubernetes API server, from the table of facts. */
export const builtinResources: readonly DiscoveredResource[] = table
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [apiVersion = '', resource = '', kind = '', , scope, , , verbs = ''] = line.split('\t');
    return {
      ...parseApiVersion(apiVersion),
      resource,
      kind,
      namespaced: scope === 'namespaced',
      verbs: verbs.split(','),
    };
  })
  .filter((r) => !r.resource.includes('/'));
