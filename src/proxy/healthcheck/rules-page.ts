// GET /portico/rules: the rules last written, each with the objects it was made of (asked for in kubernetes/kubernetes 74677).
import type { PortRules } from '../proxier.ts';
import type { Written } from '../written.ts';
import type { HealthResponse } from './responses.ts';

export interface RulesPage {
  readonly mode: string;
  readonly node: string;
  /** Milliseconds since the Unix epoch; 0 for never. */
  readonly lastSync: number;
  readonly lastFullSync: number;
  /** By `namespace/name` of the Service. */
  readonly services: Iterable<readonly [name: string, written: Written]>;
  /** What the ports of a Service have in the kernel. */
  readonly rulesOf: (name: string) => readonly PortRules[];
}

interface SourceObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
}

function timeText(time: number): string | null {
  return time === 0 ? null : new Date(time).toISOString();
}

function objectsOf({ sources }: Written): SourceObject[] {
  const objects = [
    { kind: 'Service', metadata: sources.service.metadata },
    ...sources.slices.map(({ metadata }) => ({ kind: 'EndpointSlice', metadata })),
  ];
  return objects.map(({ kind, metadata }) => ({
    kind,
    namespace: metadata.namespace ?? 'default',
    name: metadata.name,
    resourceVersion: metadata.resourceVersion ?? '',
  }));
}

/** Narrows by `namespace` and `name` of the Service. */
function* chosen({ services }: RulesPage, query: URLSearchParams): RulesPage['services'] {
  const namespace = query.get('namespace');
  const name = query.get('name');
  for (const entry of services) {
    const slash = entry[0].indexOf('/');
    if (namespace !== null && entry[0].slice(0, slash) !== namespace) continue;
    if (name !== null && entry[0].slice(slash + 1) !== name) continue;
    yield entry;
  }
}

function asJSON(page: RulesPage, query: URLSearchParams): string {
  const { mode, node, lastSync, lastFullSync, rulesOf } = page;
  const services = [...chosen(page, query)].map(([name, written]) => ({
    service: name,
    written: timeText(written.time),
    objects: objectsOf(written),
    ports: rulesOf(name),
  }));
  const head = { mode, node, lastSync: timeText(lastSync), lastFullSync: timeText(lastFullSync) };
  return `${JSON.stringify({ ...head, services }, null, 2)}\n`;
}

function asText(page: RulesPage, query: URLSearchParams): string {
  const { mode, node, lastSync, lastFullSync, rulesOf } = page;
  const never = 'never';
  let text = `# node ${node}, mode ${mode}, last sync ${timeText(lastSync) ?? never}, last full sync ${timeText(lastFullSync) ?? never}\n`;
  const services = [...chosen(page, query)];
  if (services.length === 0) text += '\n# there is no such Service with an address of its own\n';
  for (const [name, written] of services) {
    text += '\n';
    for (const object of objectsOf(written)) {
      text += `# ${object.kind} ${object.namespace}/${object.name}, resourceVersion ${object.resourceVersion}\n`;
    }
    text += `# written ${timeText(written.time)}\n`;
    for (const { family, port, rules } of rulesOf(name)) {
      text += `# ${port} ${family}\n${rules.map((rule) => `${rule}\n`).join('')}`;
    }
  }
  return text;
}

/** Text, or JSON where the query has `format=json` or the client asks for it. */
export function rulesResponse(page: RulesPage, query: URLSearchParams, accept: string | undefined): HealthResponse {
  const json = query.get('format') === 'json' || (accept?.includes('application/json') ?? false);
  return {
    status: 200,
    headers: { 'Content-Type': json ? 'application/json' : 'text/plain; charset=utf-8' },
    body: json ? asJSON(page, query) : asText(page, query),
  };
}
