// Files of a volume that hide one another: the last one written wins, or the volume cannot be made at all.
import { quoted } from '../../../../apimachinery/json/go-text.ts';
import type { PodSpec, Volume, VolumeProjection } from '../types.generated.ts';

interface File {
  readonly path: string;
  /** As in `"a" (ConfigMap "c")`; empty where the volume has one source only. */
  readonly source: string;
}

export function overlapWarnings({ volumes = [] }: PodSpec): string[] {
  return volumes.flatMap((volume) => {
    const { name, projected } = volume;
    const about = (source: string): string => `volume ${quoted(name)} (${source})`;
    const plain = plainFiles(volume).flatMap(({ source, paths }) =>
      overlaps(paths.map((path) => ({ path, source: '' }))).map(
        (pair) => `${about(source)}: overlapping paths: ${pair}`,
      ),
    );
    const sources = projected?.sources ?? [];
    const empty = sources.filter((source) => Object.values(source).every((one) => one === undefined));
    return [
      ...plain,
      ...empty.map(() => `${about('Projected')} has no sources provided`),
      ...overlaps(sources.flatMap(projectedFiles)).map((pair) => `${about('Projected')}: overlapping paths: ${pair}`),
    ];
  });
}

interface Files {
  readonly source: string;
  readonly paths: readonly string[];
}

function pathsOf(items: readonly { readonly path: string }[] | undefined): string[] | undefined {
  return items?.map(({ path }) => path);
}

function plainFiles({ configMap, secret, downwardAPI }: Volume): Files[] {
  const files = (source: string, paths: string[] | undefined): Files[] => (paths ? [{ source, paths }] : []);
  return [
    ...files(`ConfigMap ${quoted(configMap?.name ?? '')}`, pathsOf(configMap?.items)),
    ...files(`Secret ${quoted(secret?.secretName ?? '')}`, pathsOf(secret?.items)),
    ...files('DownwardAPI', pathsOf(downwardAPI?.items)),
  ];
}

/** Of the first of the sources that says which files it makes. */
function projectedFiles(projection: VolumeProjection): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = projection;
  const files = (source: string, paths: readonly (string | undefined)[]): File[] =>
    paths.flatMap((path) => (path ? [{ path, source }] : []));
  const items = (source: string, list: readonly { readonly path: string }[]): File[] =>
    files(source, pathsOf(list) ?? []);
  if (configMap?.items) return items(`ConfigMap ${quoted(configMap.name ?? '')}`, configMap.items);
  if (secret?.items) return items(`Secret ${quoted(secret.name ?? '')}`, secret.items);
  if (downwardAPI?.items) return items('DownwardAPI', downwardAPI.items);
  if (serviceAccountToken) return items('ServiceAccountToken', [serviceAccountToken]);
  if (clusterTrustBundle) {
    const { name, signerName } = clusterTrustBundle;
    return items(`ClusterTrustBundle ${quoted(name ?? signerName ?? '')}`, [clusterTrustBundle]);
  }
  return [
    ...files('PodCertificate chain', [podCertificate?.certificateChainPath]),
    ...files('PodCertificate key', [podCertificate?.keyPath]),
    ...files('PodCertificate credential bundle', [podCertificate?.credentialBundlePath]),
  ];
}

/** Each file with each earlier one that is the same, or a directory of it, or in it. */
function overlaps(files: readonly File[]): string[] {
  const trimmed = files.map(({ path, source }) => ({ path: path.replace(/\/+$/, ''), source }));
  const shown = ({ path, source }: File): string => (source ? `${quoted(path)} (${source})` : quoted(path));
  const pairs = overlappingPairs(trimmed.map(({ path }) => path));
  return pairs.map(([i, other]) => `${shown(trimmed[i]!)} with ${shown(trimmed[other]!)}`);
}

/** Places of paths of which one is the other, or in it: the later, then the earlier. In order, what a path holds follows it. */
function overlappingPairs(paths: readonly string[]): [number, number][] {
  const sorted = paths
    .flatMap((path, i) => (path === '' ? [] : [{ key: `${path}/`, i }]))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.i - b.i));
  const pairs: [number, number][] = [];
  /** The directories of the path, from the outermost in. */
  const around: typeof sorted = [];
  for (const path of sorted) {
    while (around.length > 0 && !path.key.startsWith(around.at(-1)!.key)) around.pop();
    for (const { i } of around) pairs.push([Math.max(path.i, i), Math.min(path.i, i)]);
    around.push(path);
  }
  return pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}
