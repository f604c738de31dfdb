// The answers of a cluster's zone: what CoreDNS's kubernetes plugin says (Kubernetes DNS specification 1.1.0), as a pure
// function of the view and the question.
import { type Question, RCODE, type Rcode, type RecordData, type ResourceRecord, TYPE } from '../wire/message.ts';
import { isWithin, labelsOf } from '../wire/name.ts';
import { dependencyOn } from './dependency.ts';
import { addressOfPodLabel, podRecords } from './pods.ts';
import { addressOfReverseName, reverseRecords } from './reverse.ts';
import { type Hit, lookUp } from './services.ts';
import { endpointName, type ZoneView } from './view.ts';

export interface ZoneConfig {
  /** The cluster's domain, lower case with the final dot: `cluster.local.` */
  readonly zone: string;
  /** Seconds that answers may be kept. */
  readonly ttl: number;
  /** Names of pods by their address: never, any address, or only those of live Pods. */
  readonly pods: 'disabled' | 'insecure' | 'verified';
  /** The addresses that this server is reached at, for the zone's NS records. */
  readonly serverAddresses: readonly string[];
}

export interface Answer {
  readonly rcode: Rcode;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  /** The last CNAME leads out of the zone: its target's records of the question's type belong to the answer. */
  readonly follow?: string;
  /** What the answer came from (./dependency.ts): it holds until one of them changes, but for the serial of its SOA. */
  readonly dependencies: readonly string[];
}

const schemaVersion = '1.1.0';
const schemaVersionTTL = 28_800;
const longestChain = 10;

/** The zone that a name is in: the cluster's, a reverse one, or undefined where the question is for others to answer. */
export function zoneOf(name: string, config: ZoneConfig): string | undefined {
  const lower = name.toLowerCase();
  return [config.zone, 'in-addr.arpa.', 'ip6.arpa.'].find((zone) => isWithin(lower, zone));
}

/** Answers a question of class IN whose name is in one of the zones of {@link zoneOf}. */
export function answer(view: ZoneView, question: Question, config: ZoneConfig): Answer {
  if (question.type === TYPE.AXFR || question.type === TYPE.IXFR) return refusal();
  const zone = zoneOf(question.name, config) ?? config.zone;
  const context = { view, question, config, zone: question.name.slice(-zone.length), aliases: [] };
  if (question.name.length === zone.length) return apex(context);
  return zone === config.zone ? inZone(context) : reverse(context);
}

interface Context {
  readonly view: ZoneView;
  readonly question: Question;
  readonly config: ZoneConfig;
  /** In the case of the question's name, in which all names of the reply are that the zone itself makes. */
  readonly zone: string;
  /** The names, lower case, whose CNAMEs led to this question. */
  readonly aliases: readonly string[];
}

/** The question's labels before those of the zone, lower case. */
function labelsBelow({ question, zone }: Context): string[] {
  return labelsOf(question.name.slice(0, -zone.length - 1).toLowerCase());
}

function inZone(context: Context): Answer {
  const { view, question } = context;
  const labels = labelsBelow(context);
  if (labels.length === 1 && labels[0] === 'dns-version') {
    if (question.type !== TYPE.TXT) return noData(context);
    return found(context, [record(question.name, schemaVersionTTL, { type: 'TXT', texts: [schemaVersion] })]);
  }
  if (isNameServer(labels)) return nameServer(context);
  const [kind, namespace] = [labels.at(-1), labels.at(-2)];
  if (kind !== 'svc' && kind !== 'pod') return nxDomain(context);
  if (namespace === undefined) return noData(context);
  const dependencies = [dependencyOn.namespace(namespace)];
  if (!view.hasNamespace(namespace)) return { ...nxDomain(context), dependencies };
  if (labels.length === 2) return { ...noData(context), dependencies };
  const below = kind === 'pod' ? pod(context, namespace, labels.slice(0, -2)) : service(context, labels);
  return { ...below, dependencies: [...dependencies, ...below.dependencies] };
}

function pod(context: Context, namespace: string, labels: readonly string[]): Answer {
  const { view, question, config } = context;
  const address =
    labels.length === 1 ? podRecords(view, { namespace, label: labels[0]!, mode: config.pods }) : undefined;
  // Where names are verified, the address of a name that is not there may yet be a Pod's.
  const named = labels.length === 1 ? addressOfPodLabel(labels[0]!) : undefined;
  const dependencies = config.pods === 'verified' && named !== undefined ? [dependencyOn.address(named)] : [];
  if (address === undefined) return { ...nxDomain(context), dependencies };
  if (!asksForAddresses(question)) return { ...noData(context), dependencies };
  return { ...found(context, addressRecords(context, question.name, [address])), dependencies };
}

function service(context: Context, labels: readonly string[]): Answer {
  const { view, question } = context;
  const hit = lookUp(view, labels);
  const dependencies = [serviceKeyOf(labels)];
  if (hit.kind === 'none') return { ...nxDomain(context), dependencies };
  if (hit.kind === 'alias') return alias(context, hit.target, dependencies);
  switch (question.type) {
    case TYPE.A:
    case TYPE.AAAA:
      return { ...found(context, addressRecords(context, question.name, hit.addresses)), dependencies };
    case TYPE.SRV:
      return { ...found(context, ...serviceLocations(context, hit)), dependencies };
    default:
      return { ...noData(context), dependencies };
  }
}

function serviceKeyOf(labels: readonly string[]): string {
  return dependencyOn.service(labels.at(-2) ?? '', labels.at(-3) ?? '');
}

/** An ExternalName Service, or one whose endpoints are names: a CNAME, and for addresses what it leads to, inside the zone at once. */
function alias(context: Context, name: string, dependencies: readonly string[]): Answer {
  const { question, config, aliases } = context;
  const target = name.endsWith('.') ? name : `${name}.`;
  const cname = record(question.name, config.ttl, { type: 'CNAME', target });
  if (question.type === TYPE.CNAME) return { ...found(context, [cname]), dependencies };
  if (!asksForAddresses(question)) return { ...noData(context), dependencies };
  const seen = [...aliases, question.name.toLowerCase()];
  if (seen.includes(target.toLowerCase()) || seen.length > longestChain) return { ...noData(context), dependencies };
  if (zoneOf(target, config) !== config.zone) return { ...found(context, [cname]), dependencies, follow: target };
  const zone = target.slice(-config.zone.length);
  const end = inZone({ ...context, question: { ...question, name: target }, zone, aliases: seen });
  const all = [...dependencies, ...end.dependencies];
  if (end.answers.length === 0) return { ...noData(context), dependencies: all };
  return { ...end, answers: [cname, ...end.answers], dependencies: all };
}

/** SRV records and the addresses of their targets. All weights of one answer add up to 100 (rounded down, at least 1). */
function serviceLocations({ config, question, zone }: Context, hit: Hit): [ResourceRecord[], ResourceRecord[]] {
  const { service: owner, locations } = hit;
  const base = `${owner.name}.${owner.namespace}.svc.${zone}`;
  const weight = Math.max(1, Math.floor(100 / Math.max(1, locations.length)));
  const answers = new Map<string, ResourceRecord>();
  const additional = new Map<string, ResourceRecord>();
  for (const { endpointName, address, port } of locations) {
    const target = endpointName === undefined ? base : `${endpointName}.${base}`;
    const data: RecordData = { type: 'SRV', priority: 0, weight, port, target };
    answers.set(`${target} ${port}`, record(question.name, config.ttl, data));
    additional.set(`${target} ${address}`, record(target, config.ttl, addressData(address)));
  }
  return [[...answers.values()], [...additional.values()]];
}

function reverse(context: Context): Answer {
  const { view, question, config } = context;
  if (isNameServer(labelsBelow(context))) return nameServer(context);
  const address = addressOfReverseName(question.name);
  const hits = address === undefined ? [] : reverseRecords(view, address, config.zone);
  const dependencies = address === undefined ? [] : [dependencyOn.address(address)];
  if (hits.length === 0) return { ...nxDomain(context), dependencies };
  dependencies.push(...hits.map((hit) => hit.dependency));
  if (question.type !== TYPE.PTR) return { ...noData(context), dependencies };
  const records = hits.map(({ target }) => record(question.name, config.ttl, { type: 'PTR', target }));
  return { ...found(context, records), dependencies };
}

function apex(context: Context): Answer {
  const { question, config, zone } = context;
  if (question.type === TYPE.SOA) return found(context, [startOfAuthority(context)]);
  if (question.type !== TYPE.NS) return noData(context);
  const { addresses, dependencies } = nameServers(context);
  const additional = [...addresses].flatMap(([name, of]) =>
    [...of].map((address) => record(name, config.ttl, addressData(address))),
  );
  const ns = [...addresses.keys()].map((target) => record(zone, config.ttl, { type: 'NS', target }));
  return { ...found(context, ns, additional), dependencies };
}

function isNameServer(labels: readonly string[]): boolean {
  return labels.length === 2 && labels[0] === 'ns' && labels[1] === 'dns';
}

/** `ns.dns`, which SOA records name: wherever the zone's name servers are. */
function nameServer(context: Context): Answer {
  if (!asksForAddresses(context.question)) return noData(context);
  const { addresses, dependencies } = nameServers(context);
  const all = [...addresses.values()].flatMap((of) => [...of]);
  return { ...found(context, addressRecords(context, context.question.name, all)), dependencies };
}

interface NameServers {
  /** By name. */
  readonly addresses: ReadonlyMap<string, ReadonlySet<string>>;
  readonly dependencies: readonly string[];
}

/** The Services that stand before this server, or `ns.dns` with its own addresses where there is none. */
function nameServers({ view, config, zone }: Context): NameServers {
  const { serverAddresses } = config;
  const clusterZone = zone.toLowerCase() === config.zone ? zone : config.zone;
  const addresses = new Map<string, Set<string>>();
  const dependencies = serverAddresses.map(dependencyOn.address);
  for (const { service: owner } of serverAddresses.flatMap((address) => view.endpointsOfAddress(address))) {
    const base = `${owner.name}.${owner.namespace}.svc.${clusterZone}`;
    dependencies.push(dependencyOn.service(owner.namespace, owner.name));
    if (owner.kind === 'headless') {
      for (const endpoint of view.endpoints(owner.namespace, owner.name)) {
        if (endpoint.isName) continue;
        const name = `${endpointName(endpoint)}.${base}`;
        addresses.set(name, (addresses.get(name) ?? new Set()).add(endpoint.address));
      }
    } else addresses.set(base, new Set(owner.addresses));
  }
  if (addresses.size === 0) addresses.set(`ns.dns.${zone}`, new Set(serverAddresses));
  return { addresses, dependencies };
}

function asksForAddresses({ type }: Question): boolean {
  return type === TYPE.A || type === TYPE.AAAA;
}

function addressData(address: string): RecordData {
  return { type: address.includes(':') ? 'AAAA' : 'A', address };
}

/** The addresses of the question's family, each once. */
function addressRecords({ question, config }: Context, name: string, addresses: readonly string[]): ResourceRecord[] {
  const family = question.type === TYPE.AAAA;
  const wanted = new Set(addresses.filter((address) => address.includes(':') === family));
  return [...wanted].map((address) => record(name, config.ttl, addressData(address)));
}

function record(name: string, ttl: number, data: RecordData): ResourceRecord {
  return { name, ttl, data };
}

function startOfAuthority({ view, config, zone }: Context): ResourceRecord {
  return record(zone, Math.min(config.ttl, 300), {
    type: 'SOA',
    primary: `ns.dns.${zone}`,
    mailbox: `hostmaster.${zone}`,
    serial: view.serial,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: config.ttl,
  });
}

function found(context: Context, answers: ResourceRecord[], additional: ResourceRecord[] = []): Answer {
  if (answers.length === 0) return noData(context);
  return { rcode: RCODE.NOERROR, answers, authority: [], additional, dependencies: [] };
}

/** The name exists, this type of it does not (RFC 2308, 2.2). */
function noData(context: Context): Answer {
  const authority = [startOfAuthority(context)];
  return { rcode: RCODE.NOERROR, answers: [], authority, additional: [], dependencies: [] };
}

function nxDomain(context: Context): Answer {
  return { ...noData(context), rcode: RCODE.NXDOMAIN };
}

function refusal(): Answer {
  return { rcode: RCODE.REFUSED, answers: [], authority: [], additional: [], dependencies: [] };
}
