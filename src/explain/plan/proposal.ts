// A change as a person proposes it: manifests to apply, objects to do without.
import { apiVersionOf, type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { isNotFound } from '../../apimachinery/status.ts';
import { discoverResources } from '../../client/discovery.ts';
import type { Client } from '../../client/types.ts';
import { type Gone, overlaid, withObjects, withoutObjects } from './change.ts';

/** What is wrong with a proposal, in one line. */
export class ProposalError extends Error {
  override readonly name = 'ProposalError';
}

export interface Proposal {
  readonly manifests: readonly KubeObject[];
  /** `pod/NAME`, `pod/NAMESPACE/NAME`, `node/NAME`, `service/NAME`. */
  readonly without: readonly string[];
  /** Of objects that name none. */
  readonly namespace: string;
}

export interface Worlds {
  readonly before: readonly KubeObject[];
  readonly after: readonly KubeObject[];
}

/**
 * The worlds before and after a proposal. With a client the API server says what would become of the manifests (defaults,
 * addresses, refusals); without one they are laid over what there is. Rejects with a {@link ProposalError}, or with the
 * server's StatusError.
 */
export async function worldsOf(
  present: readonly KubeObject[],
  { manifests, without, namespace }: Proposal,
  client?: Client,
): Promise<Worlds> {
  const before = present.map((object) => placed(object, namespace));
  const wanted = manifests.map((object) => placed(object, namespace));
  const changed = client
    ? await dryRun(client, wanted)
    : { present: [], objects: wanted.map((manifest) => overlaid(before, manifest)) };
  const gone = without.map((text) => goneOf(text, before, namespace));
  return {
    before: withObjects(before, changed.present),
    after: withoutObjects(withObjects(before, changed.objects), gone),
  };
}

/** Objects without a namespace are in the one given; nodes are in none. */
function placed(object: KubeObject, namespace: string): KubeObject {
  if (object.metadata.namespace || ['Node', 'Namespace'].includes(object.kind ?? '')) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

interface Planned {
  /** The manifests' objects as they are, where there are any. */
  readonly present: readonly KubeObject[];
  /** … and as they would be. */
  readonly objects: readonly KubeObject[];
}

async function dryRun(client: Client, manifests: readonly KubeObject[]): Promise<Planned> {
  const present: KubeObject[] = [];
  const objects: KubeObject[] = [];
  const { resources } = manifests.length > 0 ? await discoverResources(client) : { resources: [] };
  for (const manifest of manifests) {
    const { kind = '', apiVersion } = manifest;
    const served = resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
    if (!served) throw new ProposalError(`the cluster serves no ${kind} of ${apiVersion}`);
    const resource = client.resource<KubeObject>(served);
    const { namespace: own, ...clusterScoped } = manifest.metadata;
    const wanted = served.namespaced ? manifest : { ...manifest, metadata: clusterScoped };
    const live = await resource
      .get(manifest.metadata.name, served.namespaced ? own : undefined)
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    const options = { dryRun: true, fieldManager: 'portico-plan' };
    const result = live
      ? await resource.update(overlaid([{ ...live, kind }], wanted), options)
      : await resource.create(wanted, options);
    if (live) present.push({ ...live, kind });
    objects.push({ ...result, kind });
  }
  return { present, objects };
}

const kinds = { pod: 'Pod', node: 'Node', service: 'Service', svc: 'Service' } as const;

function goneOf(text: string, objects: readonly KubeObject[], defaultNamespace: string): Gone {
  const [kindName = '', first = '', second] = text.split('/');
  const kind = Object.hasOwn(kinds, kindName) ? kinds[kindName as keyof typeof kinds] : undefined;
  if (!kind || first === '') {
    throw new ProposalError(
      `--without: ${JSON.stringify(text)} is not pod/NAME, pod/NAMESPACE/NAME, node/NAME or service/NAME`,
    );
  }
  const gone = { kind, namespace: second === undefined ? defaultNamespace : first, name: second ?? first };
  const key = kind === 'Node' ? gone.name : `${gone.namespace}/${gone.name}`;
  if (!objects.some((object) => object.kind === kind && objectKey(object) === key)) {
    throw new ProposalError(`--without: there is no ${kind} ${key}`);
  }
  return gone;
}
