// Credentials for registries from Secrets of type kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg, and which of them
// an image is pulled with (kubelet's docker keyring). Pure.
import type { Secret } from '../../api/core/v1/types.generated.ts';
import type { AuthConfig } from '../cri/messages.ts';

interface DockerAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

export interface RegistryCredential {
  /** `registry.example.com:5000/team`: parts of the host may have `*` and `?`, the path is the beginning of the image's. */
  readonly location: string;
  readonly auth: AuthConfig;
}

const dockerHub = 'index.docker.io';

/** In the order of the Secrets; what cannot be read is passed over, as upstream does. */
export function registryCredentials(secrets: readonly Readonly<Secret>[]): RegistryCredential[] {
  return secrets.flatMap(({ data = {} }) => {
    const nested = data['.dockerconfigjson'];
    const text = nested ?? data['.dockercfg'];
    if (!text) return [];
    try {
      const parsed = JSON.parse(Buffer.from(text, 'base64').toString());
      const auths: Record<string, DockerAuth> = nested ? (parsed.auths ?? {}) : parsed;
      return Object.entries(auths).map(([server, entry]) => ({
        location: locationOf(server),
        auth: authConfig(entry),
      }));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return [];
    }
  });
}

/** Without its scheme, and without the version of the registry's API that stands before a path. */
function locationOf(server: string): string {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/]*)(.*)$/.exec(server) ?? [];
  const within = path.replace(/^\/v[12]\//, '/');
  return within === '/' ? host : host + within;
}

function authConfig({ username, password, auth, identitytoken }: DockerAuth): AuthConfig {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(auth !== undefined && { auth }),
    ...(identitytoken !== undefined && { identityToken: identitytoken }),
  };
}

/** What an image is to be pulled with, in turn: the deepest path first. */
export function credentialsFor(image: string, credentials: readonly RegistryCredential[]): AuthConfig[] {
  const repository = repositoryOf(image);
  const matching = credentials.filter(({ location }) => matches(location, repository));
  const ofHub = credentials.filter(({ location }) => location === dockerHub);
  const chosen = matching.length === 0 && repository.startsWith('docker.io/') ? ofHub : matching;
  const deepestFirst = (a: RegistryCredential, b: RegistryCredential) =>
    a.location === b.location ? 0 : a.location < b.location ? 1 : -1;
  return chosen.sort(deepestFirst).map(({ auth }) => auth);
}

/** Of an image reference, with its registry: `docker.io/library/busybox` of `busybox:1.36`. */
function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const repository = name.replace(/:[^/:]*$/, '');
  const [first = '', ...rest] = repository.split('/');
  if (rest.length === 0) return `docker.io/library/${repository}`;
  if (first === dockerHub) return `docker.io/${rest.join('/')}`;
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
    ? repository
    : `docker.io/${repository}`;
}

function matches(location: string, repository: string): boolean {
  const [, ...glob] = /^([^/:]*)((?::[^/]*)?)(.*)$/.exec(location) ?? [];
  const [, ...target] = /^([^/:]*)((?::[^/]*)?)(.*)$/.exec(repository) ?? [];
  const [globHost = '', globPort, globPath = ''] = glob;
  const [host = '', port, path = ''] = target;
  const [globParts, parts] = [globHost.split('.'), host.split('.')];
  return (
    globPort === port &&
    path.startsWith(globPath) &&
    globParts.length === parts.length &&
    globParts.every((part, i) => partMatches(part, parts[i] ?? ''))
  );
}

function partMatches(glob: string, part: string): boolean {
  const pattern = glob
    .replace(/[^*?]/g, (one) => one.replace(/\W/, '\\$&'))
    .replace(/[*?]/g, (one) => (one === '*' ? '.*' : '.'));
  return new RegExp(`^${pattern}$`).test(part);
}
