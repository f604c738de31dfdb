// kube-proxy alone, beside any Kubernetes API server.
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { createInformers } from '../client/informers.ts';
import { readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import { createClient } from '../client/rest-client.ts';
import { Failure } from '../cluster/failure.ts';
import { cleanup } from '../proxy/cleanup.ts';
import { KubeProxy } from '../proxy/kube-proxy.ts';
import { listOf, type ProxySettings, proxyModes, settingsError } from '../proxy/settings.ts';
import { realClock } from '../system/real/clock.ts';
import { realExec } from '../system/real/exec.ts';
import { realFiles } from '../system/real/files.ts';
import { realFollow } from '../system/real/follow.ts';
import { realRandom } from '../system/real/random.ts';

interface ProxyFlags {
  readonly kubeconfig?: string;
  readonly hostnameOverride?: string;
  readonly proxyMode: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly nodeportAddresses?: string;
  readonly masqueradeAll?: boolean;
  readonly healthzBindAddress: string;
  readonly metricsBindAddress: string;
  readonly cleanup?: boolean;
}

export function register(command: Command): void {
  command
    .option('--kubeconfig <file>', 'how to reach the API server')
    .option('--hostname-override <name>', 'the name of this node (default: its host name, in lower case)')
    .option('--proxy-mode <mode>', 'nftables or iptables', 'nftables')
    .option('--cluster-cidr <cidrs>', 'addresses of pods, comma-separated')
    .option('--service-cluster-ip-range <cidrs>', 'addresses of Services, comma-separated')
    .option('--nodeport-addresses <cidrs>', 'addresses that accept node ports: CIDRs, or "primary"')
    .option('--masquerade-all', 'masquerade all traffic to cluster IPs')
    .option('--healthz-bind-address <addr:port>', 'where /healthz and /livez are; empty for nowhere', '0.0.0.0:10256')
    .option('--metrics-bind-address <addr:port>', 'where /metrics is; empty for nowhere', '127.0.0.1:10249')
    .option('--cleanup', 'remove all rules of all modes, and end')
    .action((flags: ProxyFlags) => (flags.cleanup ? removeAll() : run(flags)));
}

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new Failure('proxy: packet rules need root: run it with sudo');
}

async function removeAll(): Promise<void> {
  needRoot();
  await cleanup(realExec);
}

function settingsOf(flags: ProxyFlags): ProxySettings {
  const mode = proxyModes.find((known) => known === flags.proxyMode);
  if (!mode) {
    const known = proxyModes.join(', ');
    throw new Failure(`--proxy-mode: ${JSON.stringify(flags.proxyMode)} is none of ${known}`, { exitCode: 2 });
  }
  const settings = {
    mode,
    clusterCIDRs: listOf(flags.clusterCidr),
    serviceCIDRs: listOf(flags.serviceClusterIpRange),
    nodePortAddresses: listOf(flags.nodeportAddresses),
    masqueradeAll: flags.masqueradeAll ?? false,
  };
  const wrong = settingsError(settings);
  if (wrong) throw new Failure(wrong, { exitCode: 2 });
  return settings;
}

async function run(flags: ProxyFlags): Promise<void> {
  const settings = settingsOf(flags);
  if (!flags.kubeconfig)
    throw new Failure('proxy: say how to reach the API server with --kubeconfig FILE', { exitCode: 2 });
  needRoot();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const log = (message: string) => process.stderr.write(`portico proxy: ${message}\n`);
  const access = await readKubeconfig(flags.kubeconfig, { files: realFiles });
  const client = createClient(transportOf(access, { clock: realClock, files: realFiles, userAgent: 'portico-proxy' }));
  const onError = (error: unknown, what: string) =>
    log(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  const informers = createInformers(client, { clock: realClock, random: realRandom, onError });
  const proxy = new KubeProxy({
    settings,
    nodeName: flags.hostnameOverride ?? hostname().toLowerCase(),
    informers,
    exec: realExec,
    follow: realFollow,
    clock: realClock,
    healthzAddress: flags.healthzBindAddress || undefined,
    metricsAddress: flags.metricsBindAddress || undefined,
    log,
  });
  await Promise.all([proxy.run(stop.signal), informers.run(stop.signal)]);
}
