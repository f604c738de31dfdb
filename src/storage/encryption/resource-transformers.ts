// Which transformer is for which key of the store: that of its resource, of its group, or of all.
import { type GroupResource, printResource } from '../../apimachinery/object.ts';
import { identity, type Transformer } from './transformer.ts';

/** By `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) and `*.*`. */
export type TransformersByResource = ReadonlyMap<string, Transformer>;

const registryPrefix = '/registry/';

/** The keys that servers share (src/cluster/shared-keys.ts): sealed as Secrets are. */
const sharedKeys = '/portico/pki';

/** `/registry/core/secrets/ns/name` -> `secrets`, `/registry/apps/deployments/...` -> `deployments.apps`. */
function resourceOf(key: string): GroupResource {
  if (key === sharedKeys) return { group: '', resource: 'secrets' };
  const [group = '', resource = ''] = key.slice(registryPrefix.length).split('/', 2);
  return { group: group === 'core' ? '' : group, resource };
}

export class ResourceTransformers {
  readonly #byResource: TransformersByResource;
  readonly #known = new Map<string, Transformer>();

  constructor(byResource: TransformersByResource) {
    this.#byResource = byResource;
  }

  /** A resource that the file does not name is stored as it is, and so is what is no object of the API. */
  of(key: string): Transformer {
    if (!key.startsWith(registryPrefix) && key !== sharedKeys) return identity;
    const end = key.indexOf('/', key.indexOf('/', registryPrefix.length) + 1);
    const prefix = key === sharedKeys ? key : key.slice(0, end + 1);
    let known = this.#known.get(prefix);
    if (!known) {
      const { group, resource } = resourceOf(key);
      const named = this.#byResource.get(printResource({ group, resource }));
      known = named ?? this.#byResource.get(`*.${group}`) ?? this.#byResource.get('*.*') ?? identity;
      this.#known.set(prefix, known);
    }
    return known;
  }
}
