// Which transformer is for which key of the store: that of its resource, of its group, or of all.
import { printResource } from '../../apimachinery/object.ts';
import { registryPrefix, resourceOf, resourcePrefix, resourcePrefixOf } from '../registry-keys.ts';
import { identity, type Transformer } from './transformer.ts';

/** By `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) and `*.*`. */
export type TransformersByResource = ReadonlyMap<string, Transformer>;

/** The keys that servers share (src/cluster/shared-keys.ts): sealed as Secrets are. */
const sharedKeys = '/portico/pki';
const secrets = resourcePrefix({ group: '', resource: 'secrets' });

export class ResourceTransformers {
  readonly #byResource: TransformersByResource;
  readonly #known = new Map<string, Transformer>();

  constructor(byResource: TransformersByResource) {
    this.#byResource = byResource;
  }

  /** A resource that the file does not name is stored as it is, and so is what is no object of the API. */
  of(key: string): Transformer {
    if (!key.startsWith(registryPrefix) && key !== sharedKeys) return identity;
    const prefix = key === sharedKeys ? secrets : resourcePrefixOf(key);
    let known = this.#known.get(prefix);
    if (!known) {
      const resource = resourceOf(prefix);
      const named = this.#byResource.get(printResource(resource));
      known = named ?? this.#byResource.get(`*.${resource.group}`) ?? this.#byResource.get('*.*') ?? identity;
      this.#known.set(prefix, known);
    }
    return known;
  }
}
