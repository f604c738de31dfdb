// The files of the volumes whose content comes from the API: ConfigMaps, Secrets, downward API, projected.
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
} from '../../api/core/v1/types.generated.ts';
import { aggregate } from '../../apimachinery/aggregate.ts';
import { containersOf } from '../pod/containers.ts';
import { podField, targetOf } from '../pod/env.ts';
import { defaultLimits, resourceField } from '../pod/resources.ts';

export interface VolumeFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Of its owner, where that is not root. */
  readonly uid?: number;
}
/** By path below the volume. */
export type Payload = Map<string, VolumeFile>;

/** The volume cannot be set up now; the pod waits with a FailedMount event. */
export class VolumeError extends Error {}

export interface PayloadSources {
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  configMap(name: string): Promise<Readonly<ConfigMap> | undefined>;
  secret(name: string): Promise<Readonly<Secret> | undefined>;
  token(projection: ServiceAccountTokenProjection): Promise<string>;
}

interface Keyed {
  readonly items?: KeyToPath[];
  readonly optional?: boolean;
}

const missing = {
  config: 'configmap references non-existent config',
  secret: 'references non-existent secret',
} as const;

function choose(
  data: ReadonlyMap<string, Uint8Array>,
  source: Keyed & { what: keyof typeof missing },
  mode: number,
): Payload {
  const files: Payload = new Map();
  if (!source.items?.length) {
    for (const [key, bytes] of data) files.set(key, { data: bytes, mode });
    return files;
  }
  for (const item of source.items) {
    const bytes = data.get(item.key);
    if (bytes) files.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!source.optional) throw new VolumeError(`${missing[source.what]} key: ${item.key}`);
  }
  return files;
}

async function configMapFiles(
  source: Keyed & { name?: string },
  mode: number,
  sources: PayloadSources,
): Promise<Payload> {
  const map = await sources.configMap(source.name ?? '');
  if (!map && !source.optional) throw new VolumeError(`configmap "${source.name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(map?.data ?? {})) data.set(key, Buffer.from(text));
  for (const [key, base64] of Object.entries(map?.binaryData ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return choose(data, { ...source, what: 'config', optional: source.optional ?? false }, mode);
}

async function secretFiles(source: Keyed & { name?: string }, mode: number, sources: PayloadSources): Promise<Payload> {
  const secret = await sources.secret(source.name ?? '');
  if (!secret && !source.optional) throw new VolumeError(`secret "${source.name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, base64] of Object.entries(secret?.data ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return choose(data, { ...source, what: 'secret', optional: source.optional ?? false }, mode);
}

function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  sources: PayloadSources,
): Payload {
  const files: Payload = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    const text = fieldRef
      ? podField(pod, fieldRef.fieldPath, sources)
      : resourceFieldRef &&
        resourceField(
          targetOf(pod, { name: '' }, resourceFieldRef),
          resourceFieldRef,
          defaultLimits(pod, sources.allocatable),
        );
    files.set(path, { data: Buffer.from(text ?? ''), mode: own ?? mode });
  }
  return files;
}

/** A token is for the pod's group alone, or for the one user that all its containers run as, where there are such. */
function tokenAccess(pod: Pod, mode: number): Pick<VolumeFile, 'mode' | 'uid'> {
  const { runAsUser, fsGroup } = pod.spec.securityContext ?? {};
  const [uid, ...others] = new Set(containersOf(pod).map((c) => c.container.securityContext?.runAsUser ?? runAsUser));
  if (uid !== undefined && others.length === 0) return { mode: 0o600, uid };
  return { mode: fsGroup === undefined ? mode : 0o600 };
}

/** The files of a volume, or undefined when its content is not the API's. Rejects with VolumeError. */
export async function payloadOf(pod: Pod, volume: Volume, sources: PayloadSources): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return configMapFiles(configMap, configMap.defaultMode ?? 0o644, sources);
  if (secret) {
    return secretFiles(
      { ...secret, ...(secret.secretName && { name: secret.secretName }) },
      secret.defaultMode ?? 0o644,
      sources,
    );
  }
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? 0o644, sources);
  if (!projected) return undefined;
  const mode = projected.defaultMode ?? 0o644;
  const parts = (projected.sources ?? []).map(async (source): Promise<Payload> => {
    if (source.configMap) return configMapFiles(source.configMap, mode, sources);
    if (source.secret) return secretFiles(source.secret, mode, sources);
    if (source.downwardAPI) return downwardFiles(pod, source.downwardAPI.items ?? [], mode, sources);
    if (!source.serviceAccountToken)
      throw new VolumeError(`${Object.keys(source)[0]} projection is not supported on this node`);
    const data = Buffer.from(await sources.token(source.serviceAccountToken));
    return new Map([[source.serviceAccountToken.path, { data, ...tokenAccess(pod, mode) }]]);
  });
  // All are asked for at once, and all that is wrong is told; where two write the same path the later counts.
  const settled = await Promise.allSettled(parts);
  const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (errors.length > 1 && errors.every((error) => error instanceof VolumeError))
    throw new VolumeError(aggregate(errors.map(({ message }) => message)));
  if (errors.length > 0) throw errors[0];
  return new Map(settled.flatMap((one) => (one.status === 'fulfilled' ? [...one.value] : [])));
}
