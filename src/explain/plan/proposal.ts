// A change as a person proposes it: manifests to apply, objects to do without.
import type { Service } from '../../api/core/v1/types.generated.ts';
import { loadBalancerPools } from '../../api/portico/v1/load-balancer-pool.ts';
import { builtinResources } from '../../api/registry.ts';
import type { Schemas } from '../../api/schema.ts';
import { apiVersionOf, type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { isNotFound, StatusError } from '../../apimachinery/status.ts';
import { discoverResources } from '../../client/discovery.ts';
import { networkPolicies, services } from '../../client/resources.ts';
import { resourcePath } from '../../client/rest-client.ts';
import type { Client, ResourceClient } from '../../client/types.ts';
import { readText } from '../../client/watch-stream.ts';
import { sourceOf } from '../manifests.ts';
import { idOf, withOwnKind } from '../object-id.ts';
import { applied, applyPatchOf } from './apply.ts';
import { type Gone, withObjects, withoutObjects } from './change.ts';
import { comingKinds, comingOf, kindId, withoutComing } from './coming.ts';
import { Placeholders } from './placeholders.ts';
import type { Placeholder } from './plan.ts';

/** What is wrong with a proposal, in one line. */
export class ProposalError extends Error {
  override readonly name = 'ProposalError';
}

export interface Proposal {
  readonly manifests: readonly KubeObject[];
  /** `pod/NAME`, `pod/NAMESPACE/NAME`, `node/NAME`, `service/NAME`, `networkpolicy/NAME`. */
  readonly without: readonly string[];
  /** Of objects that name none. */
  readonly namespace: string;
  /**
   * What an API server would write, when none is at hand, or may not be asked, of a new object or in the place of one that there
   * is; throws for what it would refuse.
   */
  readonly judge?: (object: KubeObject, live: KubeObject | undefined) => KubeObject;
}

export interface Worlds {
  readonly before: readonly KubeObject[];
  readonly after: readonly KubeObject[];
  readonly placeholders: readonly Placeholder[];
  /** What could not be asked, in sentences. */
  readonly notes: readonly string[];
}

/**
 * The worlds before and after a proposal. With a client the API server says what would become of the manifests (defaults,
 * addresses, refusals); without one they are applied to what there is. Rejects with a {@link ProposalError}, or with the
 * server's StatusError.
 */
export async function worldsOf(
  present: readonly KubeObject[],
  { manifests, without, namespace, judge }: Proposal,
  client?: Client,
): Promise<Worlds> {
  const pools = client && hasLoadBalancers([...present, ...manifests]) ? await poolsOf(client) : noPools;
  const placed = placing(namespace);
  const before = [...present, ...pools.objects].map((object) => placed(withOwnKind(object)));
  const all = manifests.map((object) => ({ object: placed(object), source: sourceOf(object) }));
  // What an apply of one sets, the apply of the next takes away again, but for what the server picked.
  const last = new Map(all.map((one) => [idOf(withOwnKind(one.object)), one]));
  const said = [...last.values()];
  const [wanted, sources] = [said.map(({ object }) => object), said.map(({ source }) => source)];
  const changed = wanted.length > 0 ? await changesOf(wanted, { before, judge, sources }, client) : noChange;
  const gone = without.map((text) => goneOf(text, before, namespace));
  const deletions = client ? await Promise.all(gone.map((one) => dryDelete(client, one))) : [];
  return {
    before: withObjects(before, changed.present),
    after: withoutObjects(withObjects(before, changed.objects), gone),
    placeholders: changed.placeholders,
    notes: [...new Set([...pools.notes, ...changed.notes, ...deletions.flat(), ...repeated(all, last)])],
  };
}

interface Said {
  readonly object: KubeObject;
  readonly source: string | undefined;
}

function repeated(all: readonly Said[], last: ReadonlyMap<string, Said>): string[] {
  return all.flatMap((one) => {
    const id = idOf(withOwnKind(one.object));
    const later = last.get(id);
    if (later === one) return [];
    const places = one.source && later?.source ? ` (${one.source}, ${later.source})` : '';
    return [`${id} is in the manifests more than once${places}: the last one counts`];
  });
}

const hasLoadBalancers = (objects: readonly KubeObject[]): boolean =>
  objects.some(({ kind, ...rest }) => kind === 'Service' && (rest as Partial<Service>).spec?.type === 'LoadBalancer');

interface Pools {
  readonly objects: readonly KubeObject[];
  readonly notes: readonly string[];
}

const noPools: Pools = { objects: [], notes: [] };

/** None where the cluster does not know them. */
async function poolsOf(client: Client): Promise<Pools> {
  try {
    const { items } = await client.resource<KubeObject>(loadBalancerPools).list();
    return { objects: items.map((pool) => ({ ...pool, kind: 'LoadBalancerPool' })), notes: [] };
  } catch (error) {
    if (isNotFound(error)) return noPools;
    if (!(error instanceof StatusError) || error.status.code !== 403) throw error;
    return {
      objects: [],
      notes: ['LoadBalancerPools are not yours to list: addresses of load balancers are not foreseen'],
    };
  }
}

/** Whoever deletes a Service or a policy asks the API server; pods and nodes go without asking. Gives what could not be asked. */
async function dryDelete(client: Client, { kind, namespace, name }: Gone): Promise<string[]> {
  if (kind === 'Pod' || kind === 'Node') return [];
  const resource = kind === 'Service' ? services : networkPolicies;
  const path = `${resourcePath(resource, { namespace, name })}?dryRun=All`;
  const { status, body } = await client.raw({ method: 'DELETE', path });
  const text = await readText(body);
  if (status < 400) return [];
  const error = new StatusError(JSON.parse(text));
  const note = skippedNote(error);
  if (note === undefined) throw error;
  return [note];
}

/** A webhook with side effects is not tried: that is no refusal. Undefined for every other error. */
function skippedNote(error: unknown): string | undefined {
  if (!(error instanceof StatusError) || error.status.code !== 400) return undefined;
  const [, webhook] = /^admission webhook "(.+)" does not support dry run$/.exec(error.status.message ?? '') ?? [];
  return webhook === undefined
    ? undefined
    : `admission webhook ${webhook} has side effects and was not asked (sideEffects), nor was anything after it: what they would change or refuse, and what the server would pick, is not foreseen`;
}

/** Puts objects without a namespace into the one given; those of the cluster are in none, and of custom ones a server knows. */
function placing(namespace: string): (object: KubeObject) => KubeObject {
  const ofCluster = new Set(builtinResources().flatMap(({ namespaced, kind }) => (namespaced ? [] : [kind])));
  ofCluster.add('LoadBalancerPool');
  return (object) =>
    object.metadata.namespace || ofCluster.has(object.kind ?? '')
      ? object
      : { ...object, metadata: { ...object.metadata, namespace } };
}

interface Planned {
  /** The manifests' objects as they are, where there are any. */
  readonly present: readonly KubeObject[];
  /** … and as they would be. */
  readonly objects: readonly KubeObject[];
  readonly placeholders: readonly Placeholder[];
  readonly notes: readonly string[];
}

const noChange: Planned = { present: [], objects: [], placeholders: [], notes: [] };

async function changesOf(
  manifests: readonly KubeObject[],
  { before, judge, sources }: Omit<Known, 'schemas'>,
  client: Client | undefined,
): Promise<Planned> {
  const { builtinSchemas } = await import('../../api/schema.ts');
  const schemas = builtinSchemas();
  if (client) return dryRun(client, manifests, { before, schemas, judge, sources });
  const objects = manifests.map(withOwnKind).map((manifest) => {
    const live = before.find((object) => idOf(object) === idOf(manifest));
    return judged(manifest, live, { schemas, judge });
  });
  return { ...noChange, objects, notes: objects.filter(lacksAddress).map(addressNote) };
}

const lacksAddress = ({ kind, ...rest }: KubeObject): boolean => {
  const { type, clusterIP = '' } = (rest as Partial<Service>).spec ?? {};
  return kind === 'Service' && type !== 'ExternalName' && clusterIP === '';
};

const addressNote = (service: KubeObject): string =>
  `${idOf(service)} has no spec.clusterIP: an API server gives it one, and without it its names and rules are not foreseen`;

interface Known extends Pick<Proposal, 'judge'> {
  readonly before: readonly KubeObject[];
  /** Where each manifest stands. */
  readonly sources: readonly (string | undefined)[];
  readonly schemas: Schemas;
}

/** Without an API server. */
function judged(
  manifest: KubeObject,
  live: KubeObject | undefined,
  { schemas, judge = (object) => object }: Pick<Known, 'schemas' | 'judge'>,
): KubeObject {
  return judge(live ? applied(manifest, live, schemas) : manifest, live);
}

async function dryRun(client: Client, manifests: readonly KubeObject[], known: Known): Promise<Planned> {
  const present: KubeObject[] = [];
  const objects: KubeObject[] = [];
  const notes: string[] = [];
  const placeholders = new Placeholders(known.before);
  const { resources } = await discoverResources(client);
  const [coming, definedHere] = [comingOf(manifests), comingKinds(manifests)];
  for (const [i, manifest] of manifests.entries()) {
    const source = known.sources[i];
    const { kind = '', apiVersion } = manifest;
    const served = resources.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
    const { namespace: own, ...clusterScoped } = manifest.metadata;
    const isNamespaced = served?.namespaced ?? definedHere.get(kindId(apiVersion, kind));
    if (isNamespaced === undefined) throw new ProposalError(placedAt(source, notServed(kind, apiVersion)));
    const wanted = isNamespaced ? manifest : { ...manifest, metadata: clusterScoped };
    if (!served) {
      const unjudged = withOwnKind(wanted);
      objects.push(unjudged);
      notes.push(`${idOf(unjudged)}: its definition comes with it, and no server could judge it yet`);
      continue;
    }
    const resource = client.resource<KubeObject>(served);
    const live = await resource
      .get(manifest.metadata.name, served.namespaced ? own : undefined)
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    const asking = live
      ? patched(resource, wanted, { ...live, kind, apiVersion }, known.schemas)
      : created(resource, wanted, served.namespaced ? coming : nothing);
    const answer = await asking.catch((error: unknown) => {
      const note = known.judge && skippedNote(error);
      if (note === undefined) throw located(error, source);
      notes.push(note);
      return judged(wanted, live && { ...live, kind, apiVersion }, known);
    });
    const told = (object: KubeObject) => withOwnKind({ ...object, kind, apiVersion });
    if (live) present.push(told(live));
    objects.push(placeholders.stand(told(answer), live ? told(live) : wanted));
  }
  return { present, objects, placeholders: placeholders.made, notes };
}

const placedAt = (source: string | undefined, message: string): string =>
  source === undefined ? message : `${source}: ${message}`;

/** What the server says need not name the object, of which there may be many. */
function located(error: unknown, source: string | undefined): unknown {
  if (!(error instanceof StatusError)) return error;
  return new StatusError({ ...error.status, message: placedAt(source, error.message) });
}

function notServed(kind: string, apiVersion: string | undefined): string {
  if (apiVersion === undefined) return `a ${kind} without an apiVersion: say which one`;
  return `the cluster serves no ${kind} of ${apiVersion}: look at \`kubectl api-resources\`, or apply its definition first`;
}

const nothing: ReadonlySet<string> = new Set();
const options = { dryRun: true, fieldManager: 'portico-plan', fieldValidation: 'Strict' } as const;

function patched(
  resource: ResourceClient<KubeObject>,
  wanted: KubeObject,
  live: KubeObject,
  schemas: Schemas,
): Promise<KubeObject> {
  const { type, body } = applyPatchOf(wanted, live, schemas);
  const { name, namespace } = live.metadata;
  return resource.patch({ name, ...(namespace !== undefined && { namespace }), type, body }, options);
}

/** What the same manifests bring is not there yet: the rest is judged without it. */
async function created(
  resource: ResourceClient<KubeObject>,
  wanted: KubeObject,
  coming: ReadonlySet<string>,
): Promise<KubeObject> {
  try {
    return await resource.create(wanted, options);
  } catch (error) {
    const alone = error instanceof StatusError ? withoutComing(wanted, coming) : undefined;
    if (!alone) throw error;
    return alone.restore(await resource.create(alone.asked, options));
  }
}

const kinds = {
  pod: 'Pod',
  node: 'Node',
  service: 'Service',
  svc: 'Service',
  networkpolicy: 'NetworkPolicy',
  netpol: 'NetworkPolicy',
} as const;

function goneOf(text: string, objects: readonly KubeObject[], defaultNamespace: string): Gone {
  const [kindName = '', first = '', second] = text.split('/');
  const kind = Object.hasOwn(kinds, kindName) ? kinds[kindName as keyof typeof kinds] : undefined;
  if (!kind || first === '') {
    throw new ProposalError(
      `--without: ${JSON.stringify(text)} is not pod/NAME, pod/NAMESPACE/NAME, node/NAME, service/NAME or networkpolicy/NAME`,
    );
  }
  const gone = { kind, namespace: second === undefined ? defaultNamespace : first, name: second ?? first };
  const key = kind === 'Node' ? gone.name : `${gone.namespace}/${gone.name}`;
  if (!objects.some((object) => object.kind === kind && objectKey(object) === key)) {
    throw new ProposalError(`--without: there is no ${kind} ${key}`);
  }
  return gone;
}
