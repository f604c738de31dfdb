// `portico up`: the whole cluster on this machine.
import type { Command } from 'commander';
import { defaultClusterDomain, readDomain } from '../cluster/cluster-settings.ts';
import { podRangeFlag, readRanges, serviceRangeFlag } from '../cluster/ranges.ts';
import type { UpResult } from '../cluster/up.ts';
import { parseSettings } from '../dns/settings.ts';
import { podNetworkModes } from '../podnetwork/routes.ts';
import { proxyModes } from '../proxy/settings.ts';
import {
  addClusterOptions,
  addOutputOption,
  type ClusterFlags,
  hollowCount,
  pathsOf,
  tools,
  untilInterrupted,
} from './cluster-options.ts';
import { oneOf, usage, wholeNumberBetween } from './flag-values.ts';
import { shellWord } from './shell-word.ts';

interface Flags extends ClusterFlags {
  readonly nodes?: number;
  readonly proxyMode?: string;
  readonly podNetwork?: string;
  readonly clusterCidr?: string;
  readonly serviceClusterIpRange?: string;
  readonly clusterDomain?: string;
  readonly hollowNodes?: number;
  readonly egress?: string;
  readonly apiPort?: number;
  readonly dnsUpstream?: string[];
  readonly dnsStub?: string[];
  readonly demo?: boolean;
  readonly output?: string;
}

async function run(flags: Flags): Promise<void> {
  check(flags);
  const { requireRoot } = await import('../cluster/preflight.ts');
  requireRoot('up');
  const paths = await pathsOf(flags);
  const [{ up }, { Progress }, { withLock }, { clusterLock }] = await Promise.all([
    import('../cluster/up.ts'),
    import('../cluster/progress.ts'),
    import('../cluster/lock.ts'),
    import('../cluster/layout.ts'),
  ]);
  const asJson = flags.output === 'json';
  const signal = untilInterrupted();
  const progress = new Progress(tools.clock, asJson ? undefined : process.stdout);
  if (!asJson) console.log(`Cluster ${flags.name}`);
  const request = {
    name: flags.name,
    dataDir: paths.data,
    nodes: flags.nodes,
    proxyMode: flags.proxyMode,
    podNetwork: flags.podNetwork,
    podCIDRs: flags.clusterCidr,
    serviceCIDRs: flags.serviceClusterIpRange,
    clusterDomain: flags.clusterDomain === undefined ? undefined : readDomain(flags.clusterDomain),
    hollowNodes: flags.hollowNodes,
    egress: flags.egress === undefined ? undefined : flags.egress === 'on',
    apiPort: flags.apiPort,
    dnsUpstreams: flags.dnsUpstream,
    dnsStubs: flags.dnsStub,
  };
  const result = await withLock({ path: clusterLock(flags.name), purpose: 'changing this cluster' }, () =>
    up(request, tools, progress, signal),
  );
  if (asJson) {
    const { record } = result;
    console.log(
      JSON.stringify(
        { ...record, kubeconfig: paths.kubeconfig, changed: result.changed, phases: progress.times },
        null,
        2,
      ),
    );
  } else {
    console.log(result.changed ? `Up in ${(progress.elapsed / 1000).toFixed(2)} s.` : 'Everything runs already.');
  }
  if (flags.demo) await demonstrate(result, signal);
  const link = flags.demo ? await linkOf(flags) : undefined;
  if (!asJson) printNextSteps(result, flags, link);
}

async function demonstrate(result: UpResult, signal: AbortSignal): Promise<void> {
  const { runDemo } = await import('./demo/demo.ts');
  try {
    await runDemo({ ...result, tools, signal, output: process.stdout });
  } catch (error) {
    // What was under way breaks off in words of its own.
    throw signal.aborted ? signal.reason : error;
  }
}

function check(flags: Flags): void {
  if (flags.proxyMode !== undefined) oneOf('--proxy-mode', flags.proxyMode, proxyModes);
  if (flags.podNetwork !== undefined) oneOf('--pod-network', flags.podNetwork, podNetworkModes);
  if (flags.clusterCidr !== undefined) readRanges(podRangeFlag, flags.clusterCidr);
  if (flags.serviceClusterIpRange !== undefined) readRanges(serviceRangeFlag, flags.serviceClusterIpRange);
  if (flags.clusterDomain !== undefined) readDomain(flags.clusterDomain);
  if (flags.egress !== undefined && flags.egress !== 'on' && flags.egress !== 'off') {
    throw usage(`--egress: ${JSON.stringify(flags.egress)} is neither on nor off`);
  }
  const dns = parseSettings({ upstream: flags.dnsUpstream ?? [], stub: flags.dnsStub }, '');
  if (dns.kind === 'wrong') throw usage(`--dns-${dns.message}`);
  if (flags.demo && flags.output === 'json') throw usage('--demo prints text; leave --output json out');
}

/** To the page; a cluster is up without it, too. */
async function linkOf(flags: Flags): Promise<string> {
  const { pageLink } = await import('./ui.ts');
  return pageLink(flags).catch((error: Error) => error.message);
}

function printNextSteps({ paths }: UpResult, { name, demo }: Flags, link: string | undefined): void {
  const portico = 'sudo ./portico';
  const suffix = name === 'portico' ? '' : ` --name ${name}`;
  const tries = demo
    ? [
        `${portico} kubectl${suffix} get pods,svc,endpointslices -o wide`,
        `${portico} kubectl${suffix} exec client -- wget -qO- http://nginx-service`,
      ]
    : [`${portico} kubectl${suffix} get nodes -o wide`, `${portico} kubectl${suffix} apply -f examples/nginx.yaml`];
  console.log(`\nexport KUBECONFIG=${shellWord(paths.kubeconfig)}\n\nThree things to try:`);
  for (const line of [...tries, `${portico} down${suffix}`]) console.log(`  ${line}`);
  if (link !== undefined)
    console.log(
      `\nSee it all in a browser on this machine (the link opens once; portico ui gives another):\n  ${link}`,
    );
}

export function register(command: Command): void {
  addOutputOption(
    addClusterOptions(command)
      .option('--nodes <count>', 'how many nodes (default: 3)', wholeNumberBetween('--nodes', 1, 100))
      .option('--hollow-nodes <count>', 'further nodes whose kubelet is played (default: 0)', hollowCount)
      .option('--proxy-mode <mode>', 'nftables, iptables or ipvs (default: nftables)')
      .option('--pod-network <mode>', 'the way to pods of other nodes: routes, vxlan, or auto (default: auto)')
      .option('--cluster-cidr <cidrs>', 'ranges of pods (default: 10.244.0.0/16,fd00:10:244::/56)')
      .option(
        '--service-cluster-ip-range <cidrs>',
        'ranges of Services (default: 10.96.0.0/16,fd00:96::/112, of families that pods have)',
      )
      .option('--cluster-domain <domain>', `of DNS names (default: ${defaultClusterDomain})`)
      .option('--egress <on|off>', 'whether pods reach beyond this machine (default: on)')
      .option(
        '--api-port <port>',
        'port of the API server (default: 6443, or the next of another cluster)',
        wholeNumberBetween('--api-port', 1, 65535),
      )
      .option('--dns-upstream <server...>', "name servers for other names (default: the machine's, with egress on)")
      .option('--dns-stub <domain=servers...>', 'name servers for the names below a domain')
      .option('--demo', 'also apply the example of the README, send traffic and print who answered'),
  ).action(run);
}
