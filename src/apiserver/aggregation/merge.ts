// Discovery and OpenAPI documents of this server, with what remote APIs add, in the order of the APIServices' priorities.
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import { bool, type Decoded, decodeConfiguration, list, struct, text, texts } from '../configuration-decode.ts';

const apiResource = struct('APIResource', {
  ...{ name: text, singularName: text, namespaced: bool, group: text, version: text, kind: text },
  ...{ verbs: texts, shortNames: texts, categories: texts },
});
const apiResourceList = struct('APIResourceList', { resources: list(apiResource) });

/** meta.k8s.io APIResource. */
type ApiResource = Decoded<typeof apiResource>;
export type ApiResourceList = Decoded<typeof apiResourceList>;

/** Undefined for what is none: whether a server is available does not hang on what it answers. */
export function parsedList(text: string): ApiResourceList | undefined {
  try {
    return decodeConfiguration(JSON.parse(text), apiResourceList, { isStrict: false });
  } catch {
    return undefined;
  }
}

interface GroupVersion {
  readonly groupVersion: string;
  readonly version: string;
}

export interface ApiGroup {
  readonly name: string;
  readonly versions: readonly GroupVersion[];
  readonly preferredVersion: GroupVersion;
}

interface VersionDiscovery {
  readonly version: string;
}

/** apidiscovery.k8s.io/v2 APIGroupDiscovery. */
export interface GroupDiscovery {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly VersionDiscovery[];
}

const aggregation = 'apiregistration.k8s.io';

/** Versions of a group, the preferred first; groups in the order of discovery. */
export function orderedGroups(services: readonly Readonly<APIService>[]): ReadonlyMap<string, readonly string[]> {
  const byGroup = Map.groupBy(services, ({ spec }) => spec.group ?? '');
  const groups = [...byGroup].map(([group, members]) => ({
    group,
    priority: Math.max(...members.map(({ spec }) => spec.groupPriorityMinimum)),
    versions: [...members]
      .sort((a, b) => b.spec.versionPriority - a.spec.versionPriority || compare(a.metadata.name, b.metadata.name))
      .map(({ spec }) => spec.version ?? ''),
  }));
  groups.sort((a, b) => b.priority - a.priority || compare(a.group, b.group));
  return new Map(groups.map(({ group, versions }) => [group, versions]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order of a group that is given: this server's own aggregation first, those without an APIService last. */
function rank(order: ReadonlyMap<string, unknown>, group: string): number {
  if (group === aggregation) return -1;
  const found = [...order.keys()].indexOf(group);
  return found < 0 ? order.size : found;
}

/** The group as `/apis/GROUP` shows it; undefined: no APIService is of it. */
export function apiGroup(order: ReadonlyMap<string, readonly string[]>, name: string): ApiGroup | undefined {
  const versions = (order.get(name) ?? []).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  const [preferredVersion] = versions;
  return preferredVersion && { name, versions, preferredVersion };
}

export function mergeGroups(own: readonly ApiGroup[], services: readonly Readonly<APIService>[]): ApiGroup[] {
  const order = orderedGroups(services);
  const merged = new Map(own.map((group) => [group.name, group]));
  for (const name of order.keys()) {
    const group = name === '' ? undefined : apiGroup(order, name);
    if (group) merged.set(name, group);
  }
  return [...merged.values()].sort((a, b) => rank(order, a.name) - rank(order, b.name));
}

/** A remote version as aggregated discovery shows it; Stale where the server has not said what it serves. */
export function versionDiscovery(group: string, version: string, said: ApiResourceList | undefined): VersionDiscovery {
  if (!said) return { version, freshness: 'Stale' } as VersionDiscovery;
  const all = (said.resources ?? []).map((one) => ({ ...one, name: one.name ?? '' }));
  const kindOf = (one: ApiResource) => ({
    group: one.group ?? group,
    version: one.version ?? version,
    kind: one.kind ?? '',
  });
  const resources = all
    .filter(({ name }) => !name.includes('/'))
    .map((one) => {
      const subresources = all
        .filter(({ name }) => name.startsWith(`${one.name}/`))
        .map((sub) => ({
          subresource: sub.name.slice(one.name.length + 1),
          responseKind: kindOf(sub),
          verbs: sub.verbs ?? [],
        }));
      return {
        resource: one.name,
        responseKind: kindOf(one),
        scope: one.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: one.singularName ?? '',
        verbs: one.verbs ?? [],
        ...(one.shortNames?.length && { shortNames: one.shortNames }),
        ...(one.categories?.length && { categories: one.categories }),
        ...(subresources.length > 0 && { subresources }),
      };
    });
  return { version, resources, freshness: 'Current' } as VersionDiscovery;
}

/** `remotes` by `group/version`. */
export function mergeAggregated(
  own: readonly GroupDiscovery[],
  services: readonly Readonly<APIService>[],
  remotes: ReadonlyMap<string, VersionDiscovery>,
): GroupDiscovery[] {
  const order = orderedGroups(services);
  const byName = new Map(own.map((group) => [group.metadata.name ?? '', group]));
  for (const [groupVersion, discovered] of remotes) {
    const name = groupVersion.slice(0, groupVersion.indexOf('/'));
    const present = byName.get(name) ?? { metadata: { name }, versions: [] };
    const others = present.versions.filter(({ version }) => version !== discovered.version);
    const place = (version: string) => order.get(name)?.indexOf(version) ?? 0;
    const versions = [...others, discovered].sort((a, b) => place(a.version) - place(b.version));
    byName.set(name, { ...present, versions });
  }
  return [...byName.values()].sort((a, b) => rank(order, a.metadata.name ?? '') - rank(order, b.metadata.name ?? ''));
}

interface Swagger {
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly definitions?: Readonly<Record<string, unknown>>;
}

/** The paths and definitions of a remote server beside this one's, which wins where both have a name. */
export function mergeSwagger(own: Swagger, remote: Swagger, groupVersion: string): Swagger {
  const prefix = `/apis/${groupVersion}/`;
  const isTheirs = (path: string) => path === prefix || `${path}/` === prefix || path.startsWith(prefix);
  const paths = Object.entries(remote.paths ?? {}).filter(([path]) => isTheirs(path));
  return {
    ...own,
    paths: { ...own.paths, ...Object.fromEntries(paths) },
    definitions: { ...remote.definitions, ...own.definitions },
  };
}
