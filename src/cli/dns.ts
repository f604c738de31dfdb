// Cluster DNS alone, beside any Kubernetes API server.
import { networkInterfaces } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import type { HttpTransport } from '../client/http-transport.ts';
import { createInformers } from '../client/informers.ts';
import { transportOf } from '../client/kubeconfig.ts';
import { reportOnce } from '../client/report-once.ts';
import { createClient } from '../client/rest-client.ts';
import { DnsServer } from '../dns/dns-server.ts';
import { parseHostPort } from '../dns/forward/upstream.ts';
import { keptOfObject } from '../dns/kept-object.ts';
import type { ListenAddress } from '../dns/listener.ts';
import { processFamilies } from '../metrics/process-metrics.ts';
import { joinHostPort } from '../net/ip.ts';
import { realClock } from '../system/real/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { clusterAccess } from './cluster-access.ts';
import { tools, untilInterrupted } from './cluster-options.ts';
import { type Zone, type ZoneFlags, zoneOf } from './dns-flags.ts';
import { type DnsProcess, dnsProcess, runDnsProcesses } from './dns-processes.ts';
import { SettingsSource } from './dns-settings-source.ts';
import { usage, wholeNumberBetween } from './flag-values.ts';
import { collectGarbage } from './small-heap.ts';

export interface DnsFlags extends ZoneFlags {
  readonly kubeconfig?: string;
  readonly listen: string[];
  readonly upstream?: string[];
  readonly upstreamCa?: string;
  readonly stub?: string[];
  readonly config?: string;
  readonly ttl: string;
  readonly pods: string;
  readonly autopath?: boolean;
  readonly metricsBindAddress: string;
  readonly healthBindAddress: string;
  readonly readyBindAddress: string;
  readonly processes: number;
}

export function register(command: Command): void {
  command
    .option('--kubeconfig <file>', 'how to reach the API server (default in a pod: its service account)')
    .requiredOption('--listen <address...>', 'ADDRESS:PORT to answer on, over UDP and TCP')
    .option(
      '--upstream <server...>',
      'ADDRESS[:PORT] or tls://ADDRESS[:PORT]#NAME to ask for other names; `none` for nobody (default: those of resolv.conf)',
    )
    .option('--stub <domain=servers...>', 'servers for the names below a domain: example.internal=10.0.0.10,10.0.0.11')
    .option('--upstream-ca <file>', 'PEM certificates that sign those of upstreams over TLS (default: the machine’s)')
    .option('--config <file>', 'YAML with upstream, stub and ttl in place of the flags; read again when it changes')
    .option('--domain <name>', "the cluster's domain", 'cluster.local')
    .option('--ttl <seconds>', 'how long answers may be kept, 0 to 3600', '30')
    .option('--pods <mode>', 'names of pods by address: disabled, insecure or verified', 'insecure')
    .option('--autopath', 'answers the searches of pods at their first name; follows all pods')
    .option(
      '--cluster-cidr <cidrs>',
      'ranges of pods, whose reverse names are never forwarded',
      '10.244.0.0/16,fd00:10:244::/56',
    )
    .option('--service-cluster-ip-range <cidrs>', 'ranges of Services, likewise', '10.96.0.0/16,fd00:96::/112')
    .option('--metrics-bind-address <address:port>', 'where /metrics is; empty for nowhere', '127.0.0.1:9153')
    .option('--health-bind-address <address:port>', 'where /health is; empty for nowhere', '127.0.0.1:8080')
    .option('--ready-bind-address <address:port>', 'where /ready is; empty for nowhere', '127.0.0.1:8181')
    .option(
      '--processes <number>',
      'processes that share the addresses, each with a copy of the names',
      wholeNumberBetween('--processes', 1, 64),
      1,
    )
    .action((flags: DnsFlags) => run(flags));
}

const log = (message: string): void => void process.stderr.write(`portico dns: ${message}\n`);
const say = (message: string): void => void process.stdout.write(`portico dns: ${message}\n`);

async function run(flags: DnsFlags): Promise<void> {
  const signal = untilInterrupted();
  const own = dnsProcess();
  const addresses = own?.addresses ?? flags.listen.map((text) => addressOf('--listen', text));
  const pods = podsOf(flags.pods);
  const zone = zoneOf(flags);
  const httpAddresses = own ? [] : httpAddressesOf(flags);
  if (!own && flags.processes > 1) {
    // A mistake is told once, not by every process.
    await new SettingsSource(flags, { files: realFiles, log }).read();
    (await apiServer(flags)).close();
    const told = { log, onListening: sayListening, onReady: () => say(`answering for ${zone.domain}`) };
    return runDnsProcesses({ count: flags.processes, httpAddresses, random: realRandom, ...told }, signal);
  }
  await serve({ flags, zone, addresses, pods, httpAddresses, own }, signal);
}

interface ServeOptions {
  readonly flags: DnsFlags;
  readonly zone: Zone;
  readonly addresses: readonly ListenAddress[];
  readonly pods: 'disabled' | 'insecure' | 'verified';
  readonly httpAddresses: readonly ListenAddress[];
  readonly own: DnsProcess | undefined;
}

async function serve(
  { flags, zone, addresses, pods, httpAddresses, own }: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  keepHeapSmall();
  const source = new SettingsSource(flags, { files: realFiles, log });
  const settings = await source.read();
  const client = createClient(await apiServer(flags));
  const informers = createInformers(client, {
    clock: realClock,
    random: realRandom,
    keep: keptOfObject,
    pageSize: 200,
    // Stale answers go within a second of the API server's return.
    maxRetryDelay: 1000,
    onError: reportOnce(log, realClock),
  });
  const readied = own ? own.ready : () => say(`answering for ${zone.domain}`);
  const server = new DnsServer({
    informers,
    listen: addresses,
    machineAddresses: machineAddresses(),
    sharePorts: own !== undefined,
    loopToken: own?.loopToken,
    settings,
    pods,
    upstreamCA: flags.upstreamCa === undefined ? undefined : await upstreamCA(flags.upstreamCa),
    ...zone,
    autopath: flags.autopath ? 'by-pod-namespace' : undefined,
    httpAddresses,
    moreMetrics: own ? [] : processFamilies(),
    clock: realClock,
    random: realRandom,
    log,
    onReady: () => {
      // The lists were read, and what is kept of them is a fraction.
      collectGarbage();
      readied();
    },
    onListening: own ? own.listening : sayListening,
  });
  own?.answerMetrics(() => server.metricsText());
  source.follow((changed) => server.configure(changed), signal);
  await Promise.all([server.run(signal), informers.run(signal)]);
}

/** What lives long here is names, and they grow slowly: the heap need not have room for as much again. */
function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=15');
}

async function apiServer({ kubeconfig }: DnsFlags): Promise<HttpTransport> {
  return transportOf(await clusterAccess('dns', kubeconfig), { ...tools, userAgent: 'portico-dns' });
}

function sayListening(bound: readonly ListenAddress[]): void {
  say(`listening on ${bound.map(({ address, port }) => joinHostPort(address, port)).join(', ')}`);
}

/** What other machines reach this one at: neither loopback nor of one link alone (fe80::/10). */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/.test(address))
    .map(({ address }) => address);
}

function addressOf(flag: string, text: string): ListenAddress {
  const parsed = parseHostPort(text);
  if (!parsed) throw usage(`${flag} ${text}: must be ADDRESS:PORT, such as 127.0.0.1:5353 or [::1]:5353`);
  return parsed;
}

/** Each address once, though several of the three may be the same. */
function httpAddressesOf(flags: DnsFlags): ListenAddress[] {
  const wanted = new Map<string, ListenAddress>();
  const { metricsBindAddress, healthBindAddress, readyBindAddress } = flags;
  for (const [flag, text] of Object.entries({ metricsBindAddress, healthBindAddress, readyBindAddress })) {
    const name = flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (text !== '') wanted.set(text, addressOf(`--${name}`, text));
  }
  return [...wanted.values()];
}

async function upstreamCA(file: string): Promise<string> {
  const text = await realFiles.read(file);
  if (text === undefined) throw usage(`--upstream-ca: there is no file ${file}`);
  return text;
}

function podsOf(mode: string): ServeOptions['pods'] {
  if (mode === 'disabled' || mode === 'insecure' || mode === 'verified') return mode;
  throw usage(`--pods ${mode}: must be disabled, insecure or verified`);
}
