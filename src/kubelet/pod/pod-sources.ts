// What pods take from the API: ConfigMaps, Secrets, tokens, their claims' volumes, their RuntimeClass.
import type { TokenRequest } from '../../api/authentication/v1/types.generated.ts';
import type {
  ConfigMap,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
} from '../../api/core/v1/types.generated.ts';
import type { RuntimeClass } from '../../api/node/v1/types.generated.ts';
import { isNotFound } from '../../apimachinery/status.ts';
import {
  configMaps,
  persistentVolumeClaims,
  persistentVolumes,
  runtimeClasses,
  secrets,
  serviceAccounts,
} from '../../client/resources.ts';
import type { Client } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import { registryCredentials } from './registry-auth.ts';

async function orUndefined<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

interface CachedToken {
  readonly token: string;
  readonly askedAt: number;
  /** From then on a new one is asked for: four fifths of its life, a day at most (kubelet's token manager). */
  readonly refreshAt: number;
}

export class PodSources {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, CachedToken>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  of(pod: Pod) {
    const namespace = pod.metadata.namespace ?? 'default';
    const secret = (name: string) => orUndefined(this.#client.resource<Secret>(secrets).get(name, namespace));
    return {
      configMap: (name: string) => orUndefined(this.#client.resource<ConfigMap>(configMaps).get(name, namespace)),
      secret,
      claim: (name: string) =>
        orUndefined(this.#client.resource<PersistentVolumeClaim>(persistentVolumeClaims).get(name, namespace)),
      volume: (name: string) => orUndefined(this.#client.resource<PersistentVolume>(persistentVolumes).get(name)),
      /** Of the pod's RuntimeClass. Rejects when there is none of its name. */
      runtimeHandler: async () => {
        const name = pod.spec.runtimeClassName;
        return name ? (await this.#client.resource<RuntimeClass>(runtimeClasses).get(name)).handler : '';
      },
      token: (projection: ServiceAccountTokenProjection) => this.#token(pod, projection),
      /** What its imagePullSecrets hold, and the names of those that are not there. */
      pullSecrets: async () => {
        const names = (pod.spec.imagePullSecrets ?? []).map(({ name = '' }) => name);
        const found = await Promise.all(names.map(secret));
        const missing = names.filter((_, i) => found[i] === undefined);
        return { credentials: registryCredentials(found.filter((s) => s !== undefined)), missing };
      },
    };
  }

  forget(uid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${uid}\n`)) this.#tokens.delete(key);
  }

  async #token(pod: Pod, { audience, expirationSeconds = 3600 }: ServiceAccountTokenProjection): Promise<string> {
    const { name: podName, namespace = 'default', uid = '' } = pod.metadata;
    const key = `${uid}\n${audience ?? ''}\n${expirationSeconds}`;
    const now = this.#clock.now();
    const cached = this.#tokens.get(key);
    // One of later is of before the time was set back, and good for nobody until then.
    if (cached && cached.askedAt <= now && now < cached.refreshAt) return cached.token;
    const account = pod.spec.serviceAccountName || 'default';
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: account, namespace },
      spec: {
        audiences: audience ? [audience] : [],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: podName, uid },
      },
    };
    const answer = await this.#client.resource<TokenRequest>(serviceAccounts).create(request, { subresource: 'token' });
    const token = answer.status?.token ?? '';
    // Its end is told by the server's clock, which may be another.
    const life = (answer.spec.expirationSeconds ?? expirationSeconds) * 1000;
    this.#tokens.set(key, { token, askedAt: now, refreshAt: now + Math.min(life * 0.8, 24 * 3_600_000) });
    return token;
  }
}
