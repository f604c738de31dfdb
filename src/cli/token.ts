// `portico token create`: makes a token with which further machines join a cluster.
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Secret } from '../api/core/v1/types.generated.ts';
import { formatTime } from '../apimachinery/time.ts';
import { type ClusterAccess, readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import { secrets } from '../client/resources.ts';
import { createClient } from '../client/rest-client.ts';
import { networkLayout } from '../cluster/layout.ts';
import { readRecord } from '../cluster/record.ts';
import { addClusterOptions, addOutputOption, type ClusterFlags, pathsOf, tools } from './cluster-options.ts';
import { parseDuration } from './duration.ts';

interface Flags extends ClusterFlags {
  readonly kubeconfig?: string;
  readonly ttl: number;
  readonly description?: string;
  readonly printJoin?: true;
  readonly output?: string;
}

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
    type: 'bootstrap.kubernetes.io/token',
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

/** Where another machine reaches the server: the kubeconfig's address, or the bridge's where that is this machine's own. */
async function joinServer(access: ClusterAccess, flags: Flags): Promise<string> {
  const url = new URL(access.server);
  if (!['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)) return access.server;
  const record = await readRecord(tools.files, await pathsOf(flags));
  if (!record) return access.server;
  return `https://${networkLayout(record).v4.host}:${record.apiPort}`;
}

async function create(flags: Flags): Promise<void> {
  const path = flags.kubeconfig === undefined ? (await pathsOf(flags)).kubeconfig : resolve(flags.kubeconfig);
  const access = await readKubeconfig(path, tools);
  const client = createClient(transportOf(access, { ...tools, userAgent: 'portico' }));
  const id = randomText(6);
  const secret = randomText(16);
  const expiration = flags.ttl === 0 ? undefined : formatTime(tools.clock.now() + flags.ttl * 1000);
  const { description } = flags;
  await client.resource<Secret>(secrets).create(bootstrapSecret(id, secret, { description, expiration }));
  const fingerprint = new X509Certificate(access.ca ?? '').fingerprint256.replaceAll(':', '').toLowerCase();
  const token = `${fingerprint}::${id}.${secret}`;
  const join = `portico agent --server ${await joinServer(access, flags)} --token ${token}`;
  if (flags.output === 'json') console.log(JSON.stringify({ token, join, expiration: expiration ?? null }, null, 2));
  else console.log(flags.printJoin ? join : token);
}

export function register(command: Command): void {
  const options = command.command('create').description('Make a token with which further machines join.');
  addOutputOption(addClusterOptions(options))
    .option('--kubeconfig <file>', "the cluster's kubeconfig, for one that is not of this machine")
    .option('--ttl <duration>', 'how long it may be used: 24h, 1h30m; 0 for ever', parseTtl, 24 * 3600)
    .option('--description <text>', 'what it is for')
    .option('--print-join', 'print the whole command for the other machine')
    .action(create);
}
