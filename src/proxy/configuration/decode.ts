// From the parsed text of a KubeProxyConfiguration file to its fields.
import { parseGoDuration } from '../../apimachinery/duration.ts';
import {
  allFields,
  defaultConfiguration,
  type Field,
  type KubeProxyConfiguration,
  withDefaultAddresses,
} from './fields.ts';

const configurationGroup = 'kubeproxy.config.k8s.io';
export const configurationVersion = `${configurationGroup}/v1alpha1`;
export const configurationKind = 'KubeProxyConfiguration';

/** The file is no configuration of kube-proxy's, or a field has a value of the wrong type: in one line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export interface Decoded {
  readonly configuration: KubeProxyConfiguration;
  /** Fields that nobody knows, in upstream's words; they are left out, so that files of other versions still work. */
  readonly unknown: readonly string[];
}

type Tree = Readonly<Record<string, unknown>>;

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const byPath: ReadonlyMap<string, Field> = new Map(allFields.map((field) => [field.path, field]));
const groups: ReadonlySet<string> = new Set(
  allFields.flatMap(({ path }) => (path.includes('.') ? [path.slice(0, path.lastIndexOf('.'))] : [])),
);

/** The fields of a file by their paths, as they stand there; the paths of unknown ones in the order of the file. */
function flatten(tree: Tree, prefix: string, found: Map<string, unknown>): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (byPath.has(path)) {
      found.set(path, value);
      return [];
    }
    if (!groups.has(path)) return [`unknown field ${JSON.stringify(path)}`];
    if (value === null) return [];
    if (isTree(value)) return flatten(value, path, found);
    throw wrongType(path, value, 'object');
  });
}

function wrongType(path: string, value: unknown, type: string): ConfigurationError {
  const kind = Array.isArray(value)
    ? 'array'
    : isTree(value)
      ? 'object'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value;
  return new ConfigurationError(
    `failed to decode: json: cannot unmarshal ${kind} into Go struct field ${configurationKind}.${path} of type ${type}`,
  );
}

/** The value of a field as the file has it; throws a ConfigurationError when it is of another type. */
function readField({ path, type }: Field, value: unknown): unknown {
  switch (type) {
    case 'opaque':
      return value;
    case 'string':
      if (typeof value === 'string') return value;
      throw wrongType(path, value, 'string');
    case 'bool':
      if (typeof value === 'boolean') return value;
      throw wrongType(path, value, 'bool');
    case 'int32':
      if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
      throw wrongType(path, value, 'int32');
    case 'float':
      if (typeof value === 'number') return value;
      throw wrongType(path, value, 'float32');
    case 'strings':
      if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
      throw wrongType(path, value, '[]string');
    case 'gates':
      if (isTree(value) && Object.values(value).every((item) => typeof item === 'boolean')) return value;
      throw wrongType(path, value, 'map[string]bool');
    case 'duration': {
      if (typeof value !== 'string') throw wrongType(path, value, 'string');
      const milliseconds = parseGoDuration(value);
      if (milliseconds !== undefined) return milliseconds;
      throw new ConfigurationError(`failed to decode: ${path}: time: invalid duration ${JSON.stringify(value)}`);
    }
  }
}

/** Reads a configuration, with upstream's defaults for what the file leaves out. Throws a ConfigurationError. */
export function decodeConfiguration(document: unknown): Decoded {
  if (!isTree(document)) throw new ConfigurationError('failed to decode: the file holds no object');
  const { apiVersion, kind, ...rest } = document;
  if (kind === undefined || kind === '') throw new ConfigurationError("failed to decode: Object 'Kind' is missing");
  if (apiVersion !== configurationVersion || kind !== configurationKind) {
    throw new ConfigurationError(
      `failed to decode: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? '')}: ` +
        `a ${configurationKind} of ${configurationVersion} is wanted`,
    );
  }
  const found = new Map<string, unknown>();
  const unknown = flatten(rest, '', found);
  const values: Record<string, unknown> = { ...defaultConfiguration(), healthzBindAddress: '', metricsBindAddress: '' };
  for (const field of allFields) {
    const value = found.get(field.path);
    if (value === undefined || value === null) continue;
    const read = readField(field, value);
    if (field.keepsZero || (read !== 0 && read !== '')) values[field.path] = read;
  }
  return { configuration: withDefaultAddresses(values as unknown as KubeProxyConfiguration), unknown };
}
