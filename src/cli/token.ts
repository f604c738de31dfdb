// `portico token create|list|delete`: tokens with which further machines join a cluster.
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { Secret } from '../api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.generated.ts';
import { isNotFound } from '../apimachinery/status.ts';
import { formatTime } from '../apimachinery/time.ts';
import { type ClusterAccess, readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import { endpointSlices, secrets } from '../client/resources.ts';
import { createClient } from '../client/rest-client.ts';
import type { Client } from '../client/types.ts';
import { Failure } from '../cluster/failure.ts';
import { joinHostPort } from '../net/ip.ts';
import { addClusterOptions, addOutputOption, type ClusterFlags, neverUp, pathsOf, tools } from './cluster-options.ts';
import { parseDuration, usage } from './flag-values.ts';
import { answered } from './objects.ts';
import { table } from './table.ts';

interface TokenFlags extends ClusterFlags {
  readonly kubeconfig?: string;
  readonly output?: string;
}

interface CreateFlags extends TokenFlags {
  readonly ttl: number;
  readonly description?: string;
  readonly printJoin?: true;
}

const tokenType = 'bootstrap.kubernetes.io/token';

/** A Go duration (`24h`, `1h30m`), or 0 for ever, in seconds. */
export function parseTtl(text: string): number {
  return text === '0' ? 0 : parseDuration('--ttl', text) / 1000;
}

/** Letters and digits of a bootstrap token, without bias: 32 of the 36 are enough. */
function randomText(length: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(tools.random.bytes(length), (byte) => alphabet[byte % 32]).join('');
}

function bootstrapSecret(
  id: string,
  secret: string,
  { description, expiration }: { description?: string | undefined; expiration?: string | undefined },
): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: tokenType,
    stringData: {
      'token-id': id,
      'token-secret': secret,
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:portico',
      ...(description !== undefined && { description }),
      ...(expiration !== undefined && { expiration }),
    },
  };
}

async function connect(flags: TokenFlags): Promise<{ readonly access: ClusterAccess; readonly client: Client }> {
  const paths = flags.kubeconfig === undefined ? await pathsOf(flags) : { kubeconfig: resolve(flags.kubeconfig) };
  const path = paths.kubeconfig;
  if (flags.kubeconfig === undefined && (await tools.files.read(path)) === undefined) throw neverUp(flags, paths);
  const access = await readKubeconfig(path, tools);
  return { access, client: createClient(transportOf(access, { ...tools, userAgent: 'portico' })) };
}

/** Where another machine reaches the server: the kubeconfig's address, or what the server advertises where that is this machine's own. */
async function joinServer(access: ClusterAccess, client: Client): Promise<string> {
  const { hostname } = new URL(access.server);
  if (!['127.0.0.1', '[::1]', 'localhost'].includes(hostname)) return access.server;
  const { ports, endpoints } = await client
    .resource<EndpointSlice>(endpointSlices)
    .get('kubernetes', 'default')
    .catch(() => ({ endpoints: [], ports: [] }));
  const [address, port] = [endpoints?.[0]?.addresses[0], ports?.[0]?.port];
  return address && port ? `https://${joinHostPort(address, port)}` : access.server;
}

async function create(flags: CreateFlags): Promise<void> {
  const { access, client } = await connect(flags);
  const id = randomText(6);
  const secret = randomText(16);
  const expiration = flags.ttl === 0 ? undefined : formatTime(tools.clock.now() + flags.ttl * 1000);
  const { description } = flags;
  const made = bootstrapSecret(id, secret, { description, expiration });
  await answered('token', client.resource<Secret>(secrets).create(made));
  const fingerprint = new X509Certificate(access.ca ?? '').fingerprint256.replaceAll(':', '').toLowerCase();
  const token = `${fingerprint}::${id}.${secret}`;
  const join = `portico agent --server ${await joinServer(access, client)} --token ${token}`;
  if (flags.output === 'json') console.log(JSON.stringify({ token, join, expiration: expiration ?? null }, null, 2));
  else console.log(flags.printJoin ? join : token);
}

/** What may be shown of a token: never its secret. */
interface ListedToken {
  readonly id: string;
  readonly expiration: string | null;
  readonly description: string;
}

async function listTokens(client: Client): Promise<ListedToken[]> {
  const { items } = await answered('token', client.resource<Secret>(secrets).list({ namespace: 'kube-system' }));
  const text = (secret: Secret, key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  return items
    .filter(({ type }) => type === tokenType)
    .map((secret) => ({
      id: text(secret, 'token-id'),
      expiration: text(secret, 'expiration') || null,
      description: text(secret, 'description'),
    }));
}

async function list(flags: TokenFlags): Promise<void> {
  const found = await listTokens((await connect(flags)).client);
  if (flags.output === 'json') {
    console.log(JSON.stringify(found, null, 2));
    return;
  }
  const now = tools.clock.now();
  const rows = found.map(({ id, expiration, description }) => [id, timeLeft(expiration, now), description]);
  console.log(table(['ID', 'EXPIRES IN', 'DESCRIPTION'], rows));
}

/** `23h`, `4m`, `12s`; `expired` and `never` are what they say. */
export function timeLeft(expiration: string | null, now: number): string {
  if (expiration === null) return 'never';
  const seconds = Math.round((Date.parse(expiration) - now) / 1000);
  if (seconds <= 0) return 'expired';
  const [unit, size] = seconds >= 7200 ? ['h', 3600] : seconds >= 120 ? ['m', 60] : ['s', 1];
  return `${Math.floor(seconds / Number(size))}${unit}`;
}

async function remove(ids: readonly string[], flags: TokenFlags): Promise<void> {
  const wanted = ids.map(tokenId);
  const { client } = await connect(flags);
  for (const id of wanted) {
    try {
      await answered('token', client.resource<Secret>(secrets).delete(`bootstrap-token-${id}`, 'kube-system'));
    } catch (error) {
      if (!isNotFound(error instanceof Error ? error.cause : error)) throw error;
      throw new Failure(`there is no token ${id}; see: portico token list`, { cause: error });
    }
    if (flags.output !== 'json') console.log(`token ${id} deleted`);
  }
  if (flags.output === 'json') console.log(JSON.stringify({ deleted: wanted }, null, 2));
}

/** The whole token will do as well. */
function tokenId(text: string): string {
  const id = /(?:^|::)([a-z0-9]{6})(?:\.[a-z0-9]{16})?$/.exec(text)?.[1];
  if (!id) throw usage(`${JSON.stringify(text)} is neither the id of a token nor a token`);
  return id;
}

export function register(command: Command): void {
  const add = (name: string, description: string) =>
    addOutputOption(addClusterOptions(command.command(name).description(description))).option(
      '--kubeconfig <file>',
      "the cluster's kubeconfig, for one that is not of this machine",
    );
  add('create', 'Make a token with which further machines join.')
    .addOption(
      new Option('--ttl <duration>', 'how long it may be used: 24h, 1h30m; 0 for ever')
        .argParser(parseTtl)
        .default(24 * 3600, '24h'),
    )
    .option('--description <text>', 'what it is for')
    .option('--print-join', 'print the whole command for the other machine')
    .action(create);
  add('list', 'Show the tokens that there are, without their secrets.').action(list);
  add('delete', 'Delete tokens, so that nobody joins with them any more.')
    .argument('<id...>', 'ids, or whole tokens')
    .action(remove);
}
