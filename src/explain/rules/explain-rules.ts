// Says of each rule which fields of which objects it was made of, in all three modes: by the words that it is written with.
import type { KubeObject } from '../../apimachinery/object.ts';
import { type Known, type Said, type Source, sayingsOf, sourceOf } from './sources.ts';

export interface ExplainedRule {
  readonly line: string;
  /** Empty for what is there whatever the objects say. */
  readonly sources: readonly Source[];
  /** `namespace/name` of the Services that it is for. */
  readonly services: readonly string[];
}

/** `text` is what rulesText makes of the objects. */
export function explainRules(objects: readonly KubeObject[], text: string): ExplainedRule[] {
  const known = sayingsOf(objects);
  const lines = text.split('\n');
  const owners = chainOwners(lines, known);
  let chain: readonly string[] = [];
  return lines.map((line) => {
    // What stands in a chain, a map or a set that is named after a Service is that Service's.
    const [, block] = /^\s*(?:chain|map|set) (\S+) \{/.exec(line) ?? [];
    if (block !== undefined) chain = namedIn(line, known);
    const services = servicesOf(line, known, owners);
    const found = services.length > 0 ? services : chain;
    if (/^\t?\}/.test(line)) chain = [];
    const isFrame = /^\s*(?:\}|typeof? |flags )/.test(line);
    return { line, services: found, sources: isFrame ? [] : sourcesOf(line, found, known) };
  });
}

/** Words as addresses, numbers and names: `10.0.0.7:8080` is two, and so is `[fd00::7]:8080`. */
function wordsOf(line: string): string[] {
  return line.split(/[^\w.:/-]+/).flatMap((word) => {
    const [, ip, port] = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(word) ?? [];
    if (ip !== undefined && port !== undefined) return [ip, port];
    return /^:\d+$/.test(word) ? [word.slice(1)] : [word, word.replace(/\/32$|\/128$/, '')];
  });
}

/** Services that a line calls by name: `demo/web:http`, `demo/web/tcp/http`. */
function namedIn(line: string, { services }: Known): string[] {
  const names = [...line.matchAll(/([a-z0-9-]+\/[a-z0-9-]+)(?=[:"\s]|\/(?:tcp|udp|sctp))/g)].flatMap(
    ([, name = '']) => {
      if (services.has(name)) return [name];
      // In names of chains a hash stands before the namespace.
      const [, tail = ''] = /^[A-Z0-9]{8}-(.+)$/.exec(name) ?? [];
      return services.has(tail) ? [tail] : [];
    },
  );
  const hashed = [...line.matchAll(/-[A-Z0-9]{8}-([a-z0-9-]+\/[a-z0-9-]+)\//g)].flatMap(([, name = '']) =>
    services.has(name) ? [name] : [],
  );
  return [...new Set([...names, ...hashed])];
}

/** Chains whose names are hashes belong to the Services that their rules tell of. */
function chainOwners(lines: readonly string[], known: Known): ReadonlyMap<string, readonly string[]> {
  const owners = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [, chain = ''] = /^-A (KUBE-(?:SVC|SVL|SEP|EXT|FW)-[A-Z0-9]+) /.exec(line) ?? [];
    if (chain === '' || owners.has(chain)) continue;
    const named = namedIn(line, known);
    if (named.length > 0) owners.set(chain, named);
  }
  return owners;
}

function servicesOf(line: string, known: Known, owners: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const named = namedIn(line, known);
  if (named.length > 0) return named;
  const [, chain = ''] = /^(?:-A |:)(KUBE-(?:SVC|SVL|SEP|EXT|FW)-[A-Z0-9]+)\b/.exec(line) ?? [];
  const owner = owners.get(chain);
  if (owner) return owner;
  const told = wordsOf(line).flatMap((word) => known.sayings.get(word) ?? []);
  return [...new Set(told.flatMap(({ service, isTelling }) => (isTelling && service !== undefined ? [service] : [])))];
}

/** What a rule's words say of fields that have no word of their own. */
const signs: readonly (readonly [RegExp, string])[] = [
  [/affinity|timeout \d+s|--rcheck|--name KUBE-SEP| -p \d+$/, 'spec.sessionAffinity'],
  [/KUBE-SVL-|\blocal-(?!lb)|-LOCAL/, 'spec.externalTrafficPolicy'],
  [/FIREWALL|firewall|KUBE-FW-/, 'spec.loadBalancerSourceRanges'],
];

function sourcesOf(line: string, services: readonly string[], { sayings, services: known }: Known): Source[] {
  const said = wordsOf(line).flatMap((word) => sayings.get(word) ?? []);
  // A port is its slice's whose address stands beside it.
  const slices = new Set(said.flatMap(({ object, field }) => (field.startsWith('endpoints[') ? [object] : [])));
  const isElsewhere = ({ object, field }: Said) => field.startsWith('ports[') && slices.size > 0 && !slices.has(object);
  const isMeant = ({ service, object }: Said) =>
    service === undefined ? object.startsWith('Node ') && services.length > 0 : services.includes(service);
  const found = new Map<string, Source>();
  const note = ({ object, field, resourceVersion }: Source) =>
    found.set(`${object} ${field}`, { object, field, resourceVersion });
  for (const one of said) if (isMeant(one) && !isElsewhere(one)) note(one);
  for (const name of services) {
    const service = known.get(name);
    if (!service) continue;
    for (const [sign, field] of signs) if (sign.test(line) && isSet(service, field)) note(sourceOf(service, field));
    if (![...found.values()].some(({ object }) => object === `Service ${name}`))
      note(sourceOf(service, 'metadata.name'));
  }
  return [...found.values()];
}

function isSet({ spec }: { readonly spec?: object }, field: string): boolean {
  const value = (spec as Record<string, unknown> | undefined)?.[field.slice('spec.'.length)];
  return value !== undefined && value !== 'None' && value !== 'Cluster';
}

/** The rules with a comment line over each that objects gave rise to; what loads them reads over comments. */
export function explainedText(rules: readonly ExplainedRule[]): string {
  return rules
    .flatMap(({ line, sources }) => {
      const indent = /^\s*/.exec(line)?.[0] ?? '';
      const comments = sources.map(({ object, field, resourceVersion }) => {
        const version = resourceVersion === '' ? '' : `, resourceVersion ${resourceVersion}`;
        return `${indent}# ${object} ${field}${version}`;
      });
      return [...comments, line];
    })
    .join('\n');
}
