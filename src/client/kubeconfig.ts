// Reads kubeconfig files (client-go clientcmd v1) and the in-cluster environment.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Files } from '../system/files.ts';
import { type Credential, type CredentialSource, fileCredentials } from './credentials.ts';
import { type ExecPlugin, execCredentials, execPluginError } from './exec-plugin.ts';
import { HttpTransport } from './http-transport.ts';

/** What one context of a kubeconfig says, with files read in. PEM texts, not base64. */
export interface ClusterAccess {
  readonly server: string;
  /** The context's default namespace. */
  readonly namespace: string;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly token?: string | undefined;
  /** Read again when it is a minute old: it may be rotated. */
  readonly tokenFile?: string | undefined;
  /** Where `cert` and `key` come from, likewise. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** A program that gives credentials. */
  readonly execPlugin?: ExecPlugin | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  /** `http://` or `https://`: what connections to the server go through. */
  readonly proxyUrl?: string | undefined;
}

/** A kubeconfig that cannot be used; the message says what is wrong with it. */
class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

interface Named {
  readonly name?: string;
}

interface Cluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

interface User {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly exec?: ExecPlugin | null;
  readonly 'auth-provider'?: unknown;
  readonly username?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
}

interface Config {
  readonly clusters?: readonly (Named & { cluster?: Cluster })[];
  readonly users?: readonly (Named & { user?: User })[];
  readonly contexts?: readonly (Named & { context?: { cluster?: string; user?: string; namespace?: string } })[];
  readonly 'current-context'?: string;
}

export interface ReadKubeconfigOptions {
  readonly files: Files;
  /** Absent means `current-context`. */
  readonly context?: string | undefined;
}

/** Reads the file at `path`; file names in it are relative to its folder. Rejects with a KubeconfigError. */
export async function readKubeconfig(path: string, options: ReadKubeconfigOptions): Promise<ClusterAccess> {
  const text = await options.files.read(path);
  if (text === undefined) throw new KubeconfigError(`there is no kubeconfig ${path}`);
  return parseKubeconfig(text, { ...options, folder: folderOf(path) });
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash) || '/';
}

/** As {@link readKubeconfig}, from the text of a kubeconfig that lies in `folder`. */
export async function parseKubeconfig(
  text: string,
  options: ReadKubeconfigOptions & { readonly folder?: string },
): Promise<ClusterAccess> {
  const config = await parseConfig(text);
  const contextName = options.context ?? config['current-context'] ?? '';
  if (contextName === '') throw new KubeconfigError('the kubeconfig has no current-context');
  const context = find(config, 'contexts', contextName)?.context;
  if (!context) throw new KubeconfigError(`the kubeconfig has no context "${contextName}"`);
  const cluster = find(config, 'clusters', context.cluster)?.cluster;
  if (!cluster?.server) throw new KubeconfigError(`the kubeconfig has no cluster "${context.cluster}" with a server`);
  const named = context.user ? find(config, 'users', context.user) : {};
  if (!named) throw new KubeconfigError(`the kubeconfig has no user "${context.user}"`);
  const user = named.user ?? {};
  refuseUnsupported(user, context.user ?? '');
  const tokenFile = !user.token && user.tokenFile ? absolute(user.tokenFile, options.folder) : undefined;
  if (tokenFile !== undefined) await needed(options.files, tokenFile, 'token file');
  const data = (inline: string | undefined, path: string | undefined) => pem(inline, path, options);
  return {
    server: httpUrl('server', cluster.server),
    namespace: context.namespace || 'default',
    ca: await data(cluster['certificate-authority-data'], cluster['certificate-authority']),
    cert: await data(user['client-certificate-data'], user['client-certificate']),
    key: await data(user['client-key-data'], user['client-key']),
    token: user.token?.trim(),
    tokenFile,
    certFile: fileOf(user, 'client-certificate', options.folder),
    keyFile: fileOf(user, 'client-key', options.folder),
    execPlugin: user.exec ? withFolder(user.exec, options.folder) : undefined,
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'],
    tlsServerName: cluster['tls-server-name'],
    proxyUrl: cluster['proxy-url'] ? httpUrl('proxy-url', cluster['proxy-url']) : undefined,
  };
}

/** The first of that name. */
function find<List extends 'clusters' | 'users' | 'contexts'>(
  config: Config,
  list: List,
  name: string | undefined,
): NonNullable<Config[List]>[number] | undefined {
  const all: unknown = config[list] ?? [];
  if (!Array.isArray(all)) throw new KubeconfigError(`the kubeconfig's ${list} are no list`);
  return all.find((one: Named | null) => one?.name === name);
}

function httpUrl(what: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return text;
  throw new KubeconfigError(
    `the kubeconfig's ${what} is no URL such as https://10.0.0.1:6443: ${JSON.stringify(text)}`,
  );
}

async function parseConfig(text: string): Promise<Config> {
  try {
    // JSON is read without the YAML library, which takes a while to load.
    if (text.trimStart().startsWith('{')) return JSON.parse(text) as Config;
    const { parse } = await import('yaml');
    return (parse(text) ?? {}) as Config;
  } catch (cause) {
    throw new KubeconfigError(`the kubeconfig is no YAML: ${(cause as Error).message}`, { cause });
  }
}

/** A file that nothing in the kubeconfig itself overrules. */
function fileOf(user: User, what: 'client-certificate' | 'client-key', folder?: string): string | undefined {
  const path = user[what];
  return path && !user[`${what}-data`] ? absolute(path, folder) : undefined;
}

/** A command with a slash is a file beside the kubeconfig, another is looked for on PATH. */
function withFolder(plugin: ExecPlugin, folder?: string): ExecPlugin {
  const { command = '' } = plugin;
  return command.includes('/') ? { ...plugin, command: absolute(command, folder) } : plugin;
}

function refuseUnsupported(user: User, name: string): void {
  const mistake = user.exec ? execPluginError(user.exec) : undefined;
  if (mistake) throw new KubeconfigError(`user "${name}" of the kubeconfig: ${mistake}`);
  const what = user['auth-provider'] ? 'an auth provider' : undefined;
  const password = user.username ? 'a password' : undefined;
  const other = user.as || user['as-uid'] || user['as-groups']?.length ? 'the name of another (as)' : undefined;
  const unsupported = what ?? password ?? other;
  if (!unsupported) return;
  throw new KubeconfigError(
    `user "${name}" of the kubeconfig logs in with ${unsupported}, which is not supported: use a token or a client certificate`,
  );
}

async function pem(
  inline: string | undefined,
  path: string | undefined,
  options: ReadKubeconfigOptions & { readonly folder?: string },
): Promise<string | undefined> {
  if (inline) return Buffer.from(inline, 'base64').toString('utf8');
  if (!path) return undefined;
  const full = absolute(path, options.folder);
  const text = await options.files.read(full);
  if (text === undefined) throw new KubeconfigError(`the kubeconfig names the file ${full}, which does not exist`);
  return text;
}

function absolute(path: string, folder = '/'): string {
  return path.startsWith('/') ? path : `${folder}/${path}`;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The API server as a pod sees it (KUBERNETES_SERVICE_HOST and the service account's files). */
export async function inClusterAccess(
  environment: Readonly<Record<string, string | undefined>>,
  files: Files,
): Promise<ClusterAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const ca = await files.read(`${serviceAccountFolder}/ca.crt`);
  if (!host || !port || ca === undefined) throw new KubeconfigError('not in a pod, and no kubeconfig was given');
  const namespace = (await files.read(`${serviceAccountFolder}/namespace`))?.trim() || 'default';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { server, namespace, ca, tokenFile: `${serviceAccountFolder}/token` };
}

export interface TransportOfOptions {
  readonly clock: Clock;
  /** Needed where access is by files that may be rotated. */
  readonly files: Files;
  /** Needed where access is by an exec plugin. */
  readonly exec?: Exec | undefined;
  readonly userAgent?: string | undefined;
}

/** The transport that a context of a kubeconfig asks for. Throws a KubeconfigError for certificates that are none. */
export function transportOf(access: ClusterAccess, options: TransportOfOptions): HttpTransport {
  checkCertificates(access);
  const { token, ...shown } = access;
  const { clock, userAgent } = options;
  const credentials = credentialsOf(access, options);
  const proof = credentials ? { credentials } : { token: token === undefined ? undefined : () => token };
  return new HttpTransport({ ...shown, ...proof, clock, userAgent });
}

/** TLS would say it of each attempt, and without the kubeconfig's words. */
function checkCertificates({ ca, cert, key }: ClusterAccess): void {
  const usable = (what: string, use: () => unknown) => {
    try {
      use();
    } catch (cause) {
      throw new KubeconfigError(`the kubeconfig's ${what} cannot be used: ${(cause as Error).message}`, { cause });
    }
  };
  if (ca) usable('certificate-authority', () => new X509Certificate(ca));
  if (cert === undefined && key === undefined) return;
  if (!cert || !key)
    throw new KubeconfigError('the kubeconfig has a client certificate without its key, or the other way round');
  usable('client-certificate', () => new X509Certificate(cert));
  usable('client-key', () => {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('it is of another certificate');
  });
}

/** Undefined where nothing of them can change. As client-go, a plugin is asked only where the kubeconfig has no credential. */
function credentialsOf(access: ClusterAccess, options: TransportOfOptions): CredentialSource | undefined {
  const { cert, token, tokenFile, certFile, keyFile, execPlugin, server, ca } = access;
  const { clock, files, exec } = options;
  if (execPlugin && !token && !tokenFile && !cert) {
    if (!exec) throw new KubeconfigError('the kubeconfig logs in with an exec plugin, which cannot be run here');
    const cluster = {
      server,
      ...(access.tlsServerName && { 'tls-server-name': access.tlsServerName }),
      ...(access.proxyUrl && { 'proxy-url': access.proxyUrl }),
      ...(access.insecureSkipTlsVerify && { 'insecure-skip-tls-verify': true }),
      ...(ca && { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    };
    return execCredentials({ plugin: execPlugin, cluster, exec, clock });
  }
  if (tokenFile === undefined && (certFile === undefined || keyFile === undefined)) return undefined;
  const readAll = async (): Promise<Credential> => ({
    token: tokenFile === undefined ? token : (await needed(files, tokenFile, 'token file')).trim(),
    cert: certFile === undefined ? cert : await needed(files, certFile, 'file'),
    key: keyFile === undefined ? access.key : await needed(files, keyFile, 'file'),
  });
  return fileCredentials(readAll, clock);
}

async function needed(files: Files, path: string, what: string): Promise<string> {
  const text = await files.read(path);
  if (text === undefined) throw new KubeconfigError(`the ${what} ${path} does not exist`);
  return text;
}
