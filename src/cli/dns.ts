// Cluster DNS alone, beside any Kubernetes API server.
import type { Command } from 'commander';
import { createInformers } from '../client/informers.ts';
import { readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import { createClient } from '../client/rest-client.ts';
import { Failure } from '../cluster/failure.ts';
import { DnsServer } from '../dns/dns-server.ts';
import type { Upstream } from '../dns/forward/forwarder.ts';
import { nameserversOf, parseHostPort } from '../dns/resolv-conf.ts';
import { realClock } from '../system/real/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';

interface DnsFlags {
  readonly kubeconfig: string;
  readonly listen: string[];
  readonly upstream?: string[];
  readonly domain: string;
  readonly ttl: string;
  readonly pods: 'disabled' | 'insecure' | 'verified';
  readonly clusterCidr: string;
  readonly serviceClusterIpRange: string;
}

export function register(command: Command): void {
  command
    .requiredOption('--kubeconfig <file>', 'how to reach the API server')
    .requiredOption('--listen <address...>', 'ADDRESS:PORT to answer on, over UDP and TCP')
    .option(
      '--upstream <address...>',
      'ADDRESS[:PORT] to ask for other names; `none` for nobody (default: those of resolv.conf)',
    )
    .option('--domain <name>', "the cluster's domain", 'cluster.local')
    .option('--ttl <seconds>', 'how long answers may be kept, 0 to 3600', '30')
    .option('--pods <mode>', 'names of pods by address: disabled, insecure or verified', 'insecure')
    .option(
      '--cluster-cidr <cidrs>',
      'ranges of pods, whose reverse names are never forwarded',
      '10.244.0.0/16,fd00:10:244::/56',
    )
    .option('--service-cluster-ip-range <cidrs>', 'ranges of Services, likewise', '10.96.0.0/16,fd00:96::/112')
    .action((flags: DnsFlags) => run(flags));
}

async function run(flags: DnsFlags): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const system = { clock: realClock, random: realRandom };
  const access = await readKubeconfig(flags.kubeconfig, { files: realFiles });
  const client = createClient(transportOf(access, { clock: realClock, files: realFiles, userAgent: 'portico-dns' }));
  const report = (error: unknown, what: string) => {
    process.stderr.write(`portico dns: ${what}: ${error instanceof Error ? error.message : String(error)}\n`);
  };
  const informers = createInformers(client, { ...system, onError: report });
  const addresses = flags.listen.map((text) => addressOf('--listen', text));
  const server = new DnsServer({
    informers,
    listen: addresses,
    upstreams: await upstreamsOf(flags),
    domain: flags.domain,
    ttl: ttlOf(flags.ttl),
    pods: podsOf(flags.pods),
    clusterCIDRs: [flags.clusterCidr, flags.serviceClusterIpRange].flatMap((list) => list.split(',')),
    ...system,
    onReady: () => process.stdout.write(`portico dns: answering for ${flags.domain}\n`),
    onListening: (bound) => {
      const list = bound.map(({ address, port }) =>
        address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
      );
      process.stdout.write(`portico dns: listening on ${list.join(', ')}\n`);
    },
  });
  await Promise.all([server.run(stop.signal), informers.run(stop.signal)]);
}

function addressOf(flag: string, text: string): Upstream {
  const parsed = parseHostPort(text);
  if (!parsed)
    throw new Failure(`${flag} ${text}: must be ADDRESS:PORT, such as 127.0.0.1:5353 or [::1]:5353`, { exitCode: 2 });
  return parsed;
}

async function upstreamsOf({ upstream }: DnsFlags): Promise<Upstream[]> {
  if (upstream?.length === 1 && upstream[0] === 'none') return [];
  if (upstream) return upstream.map((text) => addressOf('--upstream', text));
  return nameserversOf((await realFiles.read('/etc/resolv.conf')) ?? '');
}

function ttlOf(text: string): number {
  const ttl = Number(text);
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > 3600)
    throw new Failure(`--ttl ${text}: must be 0 to 3600 seconds`, { exitCode: 2 });
  return ttl;
}

function podsOf(mode: string): DnsFlags['pods'] {
  if (mode === 'disabled' || mode === 'insecure' || mode === 'verified') return mode;
  throw new Failure(`--pods ${mode}: must be disabled, insecure or verified`, { exitCode: 2 });
}
