// A configuration as a file says it (--write-config-to).
import { formatGoDuration } from '../../apimachinery/duration.ts';
import { configurationKind, configurationVersion } from './decode.ts';
import { allFields, type KubeProxyConfiguration } from './fields.ts';

type Tree = Record<string, unknown>;

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [first = '', ...rest] = path;
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const inner = (tree[first] ?? {}) as Tree;
  tree[first] = inner;
  put(inner, rest, value);
}

/** The file as a value: every field that has one, sorted, durations as text. `decodeConfiguration` reads it back. */
export function encodeConfiguration(configuration: KubeProxyConfiguration): Readonly<Tree> {
  const entries = allFields.flatMap(({ path, type, omitEmpty }) => {
    const value = (configuration as Readonly<Tree>)[path];
    if (value === undefined || (omitEmpty && isEmpty(value))) return [];
    return [[path, type === 'duration' ? formatGoDuration(value as number) : value] as const];
  });
  const tree: Tree = {};
  for (const [path, value] of [...entries, ['apiVersion', configurationVersion], ['kind', configurationKind]]
    .map(([path, value]) => [String(path), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))) {
    put(tree, path.split('.'), value);
  }
  return tree;
}
