// Credentials of a program (client.authentication.k8s.io): `aws eks get-token`, `kubelogin` and the like.
import type { Clock } from '../system/clock.ts';
import type { Exec, ExecResult } from '../system/exec.ts';
import { type CredentialSource, keptCredentials, type ReadCredential } from './credentials.ts';

/** Of a kubeconfig's user. */
export interface ExecPlugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: string;
}

/** What a plugin with `provideClusterInfo` is told, as `spec.cluster`. */
export type ExecCluster = Readonly<Record<string, unknown>>;

interface ExecCredential {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly status?: {
    readonly token?: string;
    readonly expirationTimestamp?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
  };
}

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/** What is wrong with a plugin's description; undefined: nothing. */
export function execPluginError({ apiVersion = '', command, interactiveMode }: ExecPlugin): string | undefined {
  if (!command) return 'an exec plugin needs a command';
  if (!versions.includes(apiVersion)) return `exec plugin: invalid apiVersion ${JSON.stringify(apiVersion)}`;
  if (interactiveMode === 'Always')
    return 'exec plugin cannot support interactive mode: standard input is not a terminal';
  return undefined;
}

export interface ExecCredentialOptions {
  readonly plugin: ExecPlugin;
  readonly cluster: ExecCluster;
  readonly exec: Exec;
  readonly clock: Clock;
}

/** Runs the plugin when there is no credential, when it has expired, and when the server refused it. */
export function execCredentials({ plugin, cluster, exec, clock }: ExecCredentialOptions): CredentialSource {
  const { apiVersion = '', command = '', args, env, provideClusterInfo } = plugin;
  const spec = { interactive: false, ...(provideClusterInfo && { cluster }) };
  const information = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
  const environment = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  return keptCredentials(async () => {
    const ran = exec.run([command, ...(args ?? [])], { env: { ...environment, KUBERNETES_EXEC_INFO: information } });
    return readAnswer(plugin, await ran.catch((cause) => notStarted(plugin, cause)));
  }, clock);
}

function notStarted({ command, installHint }: ExecPlugin, cause: unknown): never {
  const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  const why = isMissing ? `executable ${command} not found` : (cause as Error).message;
  throw new Error(`getting credentials: exec: ${why}${installHint ? `: ${installHint}` : ''}`, { cause });
}

function readAnswer({ command, apiVersion }: ExecPlugin, { code, stdout, stderr }: ExecResult): ReadCredential {
  const wrong = (why: string): never => {
    throw new Error(`getting credentials: ${why}`);
  };
  if (code !== 0) {
    const said = stderr.trim().split('\n').at(-1);
    wrong(`exec: executable ${command} failed with exit code ${code}${said ? `: ${said}` : ''}`);
  }
  const answer = parsed(stdout) ?? wrong('decoding stdout: it is no ExecCredential');
  if (answer.apiVersion !== apiVersion) {
    wrong(`exec plugin is configured to use API version ${apiVersion}, plugin returned version ${answer.apiVersion}`);
  }
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = answer.status ?? {};
  if (!answer.status) wrong("exec plugin didn't return a status field");
  if (!token && !cert && !key) wrong("exec plugin didn't return a token or cert/key pair");
  if (!cert !== !key) wrong('exec plugin returned only certificate or key, not both');
  const expires = Date.parse(expirationTimestamp ?? '');
  return { credential: { token, cert, key }, until: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires };
}

function parsed(text: string): ExecCredential | undefined {
  try {
    const answer = JSON.parse(text) as ExecCredential | null;
    return answer?.kind === 'ExecCredential' ? answer : undefined;
  } catch {
    return undefined;
  }
}
