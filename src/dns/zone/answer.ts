// The answers of a cluster's zone: what CoreDNS's kubernetes plugin says (Kubernetes DNS specification 1.1.0), as a pure
// function of the view and the question.
import { type Question, RCODE, type Rcode, type RecordData, type ResourceRecord, TYPE } from '../wire/message.ts';
import { labelsOf } from '../wire/name.ts';
import { podRecords } from './pods.ts';
import { addressOfReverseName, reverseRecords } from './reverse.ts';
import { type Hit, lookUp } from './services.ts';
import type { ZoneView } from './view.ts';

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
  /** The Services (`namespace/name`) that the answer came from: it holds until one of them changes. */
  readonly services: readonly string[];
}

const SCHEMA_VERSION = '1.1.0';
const SCHEMA_VERSION_TTL = 28_800;
const LONGEST_CHAIN = 10;

/** The zone that a name is in: the cluster's, a reverse one, or undefined where the question is for others to answer. */
export function zoneOf(name: string, config: ZoneConfig): string | undefined {
  const lower = name.toLowerCase();
  return [config.zone, 'in-addr.arpa.', 'ip6.arpa.'].find((zone) => lower === zone || lower.endsWith(`.${zone}`));
}

/** Answers a question of class IN whose name is in one of the zones of {@link zoneOf}. */
export function answer(view: ZoneView, question: Question, config: ZoneConfig): Answer {
  if (question.type === TYPE.AXFR || question.type === TYPE.IXFR) return refusal();
  const zone = zoneOf(question.name, config) ?? config.zone;
  const context = { view, question, config, zone };
  if (question.name.toLowerCase() === zone) return apex(context);
  return zone === config.zone ? inZone(context) : reverse(context);
}

interface Context {
  readonly view: ZoneView;
  readonly question: Question;
  readonly config: ZoneConfig;
  readonly zone: string;
}

function inZone(context: Context): Answer {
  const { view, question, config } = context;
  const labels = labelsOf(question.name.slice(0, -config.zone.length - 1).toLowerCase());
  if (labels.join('.') === 'dns-version') {
    if (question.type !== TYPE.TXT) return noData(context);
    return found(context, [record(question.name, SCHEMA_VERSION_TTL, { type: 'TXT', texts: [SCHEMA_VERSION] })]);
  }
  if (labels.join('.') === 'ns.dns' && (question.type === TYPE.A || question.type === TYPE.AAAA)) {
    return found(context, addressRecords(context, question.name, config.serverAddresses));
  }
  const [kind, namespace] = [labels.at(-1), labels.at(-2)];
  if (kind !== 'svc' && kind !== 'pod') return nxDomain(context);
  if (namespace === undefined) return noData(context);
  if (!view.hasNamespace(namespace)) return nxDomain(context);
  if (labels.length === 2) return noData(context);
  if (kind === 'pod') return pod(context, namespace, labels.slice(0, -2));
  return service(context, labels);
}

function pod(context: Context, namespace: string, labels: readonly string[]): Answer {
  const { view, question, config } = context;
  const address =
    labels.length === 1 ? podRecords(view, { namespace, label: labels[0]!, mode: config.pods }) : undefined;
  if (address === undefined) return nxDomain(context);
  return found(context, addressRecords(context, question.name, [address]));
}

function service(context: Context, labels: readonly string[]): Answer {
  const { view, question } = context;
  const hit = lookUp(view, labels);
  const services = hit.service ? [`${hit.service.namespace}/${hit.service.name}`] : [serviceKeyOf(labels)];
  if (hit.kind === 'none') return { ...nxDomain(context), services };
  if (hit.kind === 'alias') return alias(context, hit.target, services);
  switch (question.type) {
    case TYPE.A:
    case TYPE.AAAA:
      return { ...found(context, addressRecords(context, question.name, hit.addresses)), services };
    case TYPE.SRV:
      return { ...found(context, ...serviceLocations(context, hit)), services };
    default:
      return { ...noData(context), services };
  }
}

function serviceKeyOf(labels: readonly string[]): string {
  return `${labels.at(-2)}/${labels.at(-3)}`;
}

/** An ExternalName Service: a CNAME, and for addresses what it leads to, inside the zone at once. */
function alias(context: Context, externalName: string, services: readonly string[]): Answer {
  const { question, config } = context;
  const target = externalName.endsWith('.') ? externalName : `${externalName}.`;
  const cname = record(question.name, config.ttl, { type: 'CNAME', target });
  if (question.type === TYPE.CNAME) return { ...found(context, [cname]), services };
  if (question.type !== TYPE.A && question.type !== TYPE.AAAA) return { ...noData(context), services };
  const seen = [question.name.toLowerCase()];
  const records = [cname];
  const keys = [...services];
  for (let next = target; records.length <= LONGEST_CHAIN; ) {
    if (seen.includes(next.toLowerCase())) return { ...noData(context), services: keys };
    seen.push(next.toLowerCase());
    if (zoneOf(next, config) !== config.zone) {
      return { ...found(context, records), services: keys, follow: next };
    }
    const labels = labelsOf(next.slice(0, -config.zone.length - 1).toLowerCase());
    const hit =
      labels.at(-1) === 'svc' && labels.length > 2 ? lookUp(context.view, labels) : ({ kind: 'none' } as const);
    if (labels.length > 2) keys.push(serviceKeyOf(labels));
    if (hit.kind !== 'alias') {
      const ends = hit.kind === 'hit' ? addressRecords(context, next, hit.addresses) : [];
      return { ...found(context, ends.length > 0 ? [...records, ...ends] : []), services: keys };
    }
    const further = hit.target.endsWith('.') ? hit.target : `${hit.target}.`;
    records.push(record(next, config.ttl, { type: 'CNAME', target: further }));
    next = further;
  }
  return { ...noData(context), services: keys };
}

/** SRV records and the addresses of their targets. All weights of one answer add up to 100 (rounded down, at least 1). */
function serviceLocations({ config, question }: Context, hit: Hit): [ResourceRecord[], ResourceRecord[]] {
  const { service: owner, locations } = hit;
  const base = `${owner.name}.${owner.namespace}.svc.${config.zone}`;
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
  const address = addressOfReverseName(question.name);
  const hits = address === undefined ? [] : reverseRecords(view, address, config.zone);
  if (hits.length === 0) return nxDomain(context);
  const services = hits.map((hit) => hit.service);
  if (question.type !== TYPE.PTR) return { ...noData(context), services };
  const records = hits.map(({ target }) => record(question.name, config.ttl, { type: 'PTR', target }));
  return { ...found(context, records), services };
}

function apex(context: Context): Answer {
  const { question, config, zone } = context;
  if (question.type === TYPE.SOA) return found(context, [startOfAuthority(context, question.name)]);
  if (question.type !== TYPE.NS) return noData(context);
  const names = nameServers(context);
  const additional = names.flatMap(({ name, addresses }) =>
    addresses.map((address) => record(name, config.ttl, addressData(address))),
  );
  const ns = names.map(({ name }) => record(zone, config.ttl, { type: 'NS', target: name }));
  return found(context, ns, additional);
}

/** The Services that stand before this server, or `ns.dns` with its own addresses where there is none. */
function nameServers({ view, config, zone }: Context): { name: string; addresses: readonly string[] }[] {
  const names = new Map<string, readonly string[]>();
  for (const address of config.serverAddresses) {
    for (const { service: owner, endpoint } of view.endpointsOfAddress(address)) {
      const base = `${owner.name}.${owner.namespace}.svc.${config.zone}`;
      if (owner.kind === 'headless') names.set(`${endpoint.name}.${base}`, [address]);
      else names.set(base, owner.addresses);
    }
  }
  if (names.size === 0) names.set(`ns.dns.${zone}`, config.serverAddresses);
  return [...names].map(([name, addresses]) => ({ name, addresses }));
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

function startOfAuthority({ view, config, zone }: Context, name: string): ResourceRecord {
  return record(name, Math.min(config.ttl, 300), {
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
  return { rcode: RCODE.NOERROR, answers, authority: [], additional, services: [] };
}

/** The name exists, this type of it does not (RFC 2308, 2.2). */
function noData(context: Context): Answer {
  const authority = [startOfAuthority(context, context.zone)];
  return { rcode: RCODE.NOERROR, answers: [], authority, additional: [], services: [] };
}

function nxDomain(context: Context): Answer {
  return { ...noData(context), rcode: RCODE.NXDOMAIN };
}

function refusal(): Answer {
  return { rcode: RCODE.REFUSED, answers: [], authority: [], additional: [], services: [] };
}
