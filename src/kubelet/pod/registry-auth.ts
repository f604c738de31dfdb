// Credentials for registries from Secrets of type kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg.
import type { Secret } from '../../api/core/v1/types.generated.ts';
import type { AuthConfig } from '../cri/messages.ts';

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** The registry that an image reference names: docker.io where it names none. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io';
}

/** `https://index.docker.io/v1/` and the like as registryOf names them. */
function normalized(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? server;
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** By registry; what cannot be read is passed over, as upstream does. */
export function registryCredentials(secrets: readonly Readonly<Secret>[]): ReadonlyMap<string, AuthConfig> {
  const result = new Map<string, AuthConfig>();
  for (const { data = {} } of secrets) {
    for (const [key, nested] of [
      ['.dockerconfigjson', true],
      ['.dockercfg', false],
    ] as const) {
      const text = data[key];
      if (!text) continue;
      try {
        const parsed = JSON.parse(Buffer.from(text, 'base64').toString());
        const auths: Record<string, DockerAuth> = nested ? (parsed.auths ?? {}) : parsed;
        for (const [server, entry] of Object.entries(auths)) result.set(normalized(server), authConfig(entry));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    }
  }
  return result;
}

function authConfig({ username, password, auth, identitytoken }: DockerAuth): AuthConfig {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(auth !== undefined && { auth }),
    ...(identitytoken !== undefined && { identityToken: identitytoken }),
  };
}
