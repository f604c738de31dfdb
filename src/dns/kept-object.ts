// What of an object must stay in an informer's cache for this server alone: it keeps what it needs of Services, slices and
// Pods itself, in less space.
import { serviceNameLabel } from '../api/discovery/v1/endpointslice/labels.ts';
import type { KubeObject } from '../apimachinery/object.ts';

/** As {@link KeptObject}. */
export function keptOfObject(object: Readonly<KubeObject>): KubeObject {
  return new KeptObject(object);
}

/** The metadata that informers and the zone go by, as one text: it takes half the space, and is seldom asked for. */
class KeptObject implements KubeObject {
  readonly #text: string;

  constructor({ metadata }: Readonly<KubeObject>) {
    const { name, namespace = '', uid = '', resourceVersion = '', labels } = metadata;
    this.#text = [name, namespace, uid, resourceVersion, labels?.[serviceNameLabel] ?? ''].join('\n');
  }

  get metadata(): KubeObject['metadata'] {
    const [name = '', namespace = '', uid = '', resourceVersion = '', service = ''] = this.#text.split('\n');
    const kept = { name, namespace, uid, resourceVersion };
    return service === '' ? kept : { ...kept, labels: { [serviceNameLabel]: service } };
  }
}
