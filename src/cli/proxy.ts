// kube-proxy alone, beside any Kubernetes API server, with kube-proxy's own flags.
import { watch, writeFileSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { errorMessage } from '../apimachinery/error-message.ts';
import { createEventRecorder } from '../client/events.ts';
import { createInformers } from '../client/informers.ts';
import { type ClusterAccess, transportOf } from '../client/kubeconfig.ts';
import { reportOnce } from '../client/report-once.ts';
import { createClient } from '../client/rest-client.ts';
import { Failure } from '../cluster/failure.ts';
import { cleanup } from '../proxy/cleanup.ts';
import { encodeConfiguration } from '../proxy/configuration/encode.ts';
import type { KubeProxyConfiguration } from '../proxy/configuration/fields.ts';
import { settingsOf } from '../proxy/configuration/to-settings.ts';
import { type IptablesVariant, iptablesVariants } from '../proxy/iptables/variant.ts';
import { applyKernelSettings, conntrackSettings } from '../proxy/kernel-settings.ts';
import { allowLocalhostNodePorts, KubeProxy } from '../proxy/kube-proxy.ts';
import { listOf, type ProxySettings } from '../proxy/settings.ts';
import { realClock } from '../system/real/clock.ts';
import { realExec } from '../system/real/exec.ts';
import { realFollow } from '../system/real/follow.ts';
import { realRandom } from '../system/real/random.ts';
import { clusterAccess } from './cluster-access.ts';
import { tools } from './cluster-options.ts';
import { addConfigurationFlags, givenFlags, readConfiguration, readConfigurationFile } from './proxy-configuration.ts';
import { kubernetesVersion, porticoVersion } from './version.ts';

interface ProxyFlags {
  readonly config?: string;
  readonly writeConfigTo?: string;
  readonly master?: string;
  readonly serviceClusterIpRange?: string;
  readonly iptablesVariant?: IptablesVariant;
  readonly cleanup?: string | true;
  readonly initOnly?: string | true;
  readonly version?: string | true;
}

type Log = (message: string) => void;

const isSet = (flag: string | true | undefined): boolean => flag !== undefined && flag !== 'false';

export function register(command: Command): void {
  command
    .option('--config <file>', 'a KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1); flags win over it')
    .option('--write-config-to <file>', 'write the configuration in force to this file, and end')
    .option('--master <url>', 'the API server, in place of the one of the kubeconfig')
    .option(
      '--service-cluster-ip-range <cidrs>',
      'addresses of Services, comma-separated; those that none has are dropped (default: the ServiceCIDRs of the API)',
    )
    .addOption(
      new Option('--iptables-variant <variant>', 'which iptables to use (default: the one in use)').choices(
        iptablesVariants,
      ),
    )
    .option('--cleanup [bool]', 'remove all rules of all modes, and end')
    .option('--init-only [bool]', 'set what only root may set, and end')
    .option('--version [bool]', 'print the version, and end');
  addConfigurationFlags(command);
  command.action((flags: ProxyFlags) => start(flags, command));
}

async function start(flags: ProxyFlags, command: Command): Promise<void> {
  if (isSet(flags.version)) {
    process.stdout.write(`portico ${porticoVersion()} (Kubernetes ${kubernetesVersion})\n`);
    return;
  }
  const { configuration, warnings } = await readConfiguration(givenFlags(command), flags.config);
  if (flags.writeConfigTo !== undefined) return writeConfiguration(flags.writeConfigTo, configuration);
  const log = logTo(configuration['logging.format']);
  if (process.getuid?.() !== 0) throw new Failure('proxy: packet rules need root: run it with sudo');
  const settings = {
    ...settingsOf(configuration, listOf(flags.serviceClusterIpRange)),
    iptablesVariant: flags.iptablesVariant,
  };
  if (isSet(flags.cleanup)) return cleanup(realExec, { ipvs: settings.ipvs });
  for (const warning of warnings) log(warning);
  const access = await accessOf(configuration, flags.master);
  await prepareMachine(configuration, log);
  // Otherwise this is done when the rules are there that go with it.
  if (isSet(flags.initOnly)) return allowLocalhostNodePorts({ exec: realExec, settings, log });
  await run({ configuration, settings, access, log, file: flags.config });
}

async function writeConfiguration(path: string, configuration: KubeProxyConfiguration): Promise<void> {
  const { stringify } = await import('yaml');
  try {
    writeFileSync(path, stringify(encodeConfiguration(configuration)));
  } catch (error) {
    throw new Failure(`proxy: --write-config-to: ${errorMessage(error)}`, { cause: error });
  }
}

function logTo(format: string): Log {
  if (format === 'json') {
    return (msg) => process.stderr.write(`${JSON.stringify({ ts: realClock.now(), caller: 'portico proxy', msg })}\n`);
  }
  return (message) => process.stderr.write(`portico proxy: ${message}\n`);
}

async function accessOf(configuration: KubeProxyConfiguration, master: string | undefined): Promise<ClusterAccess> {
  const access = await clusterAccess('proxy', configuration['clientConnection.kubeconfig']);
  return master === undefined ? access : { ...access, server: master };
}

/** What belongs to the machine, not to a Service. A kernel that refuses is told of, and worked without. */
async function prepareMachine(configuration: KubeProxyConfiguration, log: Log): Promise<void> {
  const failures = await applyKernelSettings(realExec, [
    ...conntrackSettings(configuration, cpus().length),
    { path: `/proc/${process.pid}/oom_score_adj`, value: configuration.oomScoreAdj, how: 'set', optional: true },
  ]);
  for (const failure of failures) log(failure);
}

interface Running {
  readonly configuration: KubeProxyConfiguration;
  readonly settings: ProxySettings;
  readonly access: ClusterAccess;
  readonly log: Log;
  /** The configuration file. */
  readonly file: string | undefined;
}

async function run({ configuration, settings, access, log, file }: Running): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const changed = file === undefined ? undefined : whenChanged(file, stop.signal);
  const client = createClient(transportOf(access, { ...tools, userAgent: 'kube-proxy' }));
  const informers = createInformers(client, {
    clock: realClock,
    random: realRandom,
    onError: reportOnce(log, realClock),
  });
  const nodeName = configuration.hostnameOverride || hostname().trim().toLowerCase();
  const proxy = new KubeProxy({
    settings,
    nodeName,
    informers,
    exec: realExec,
    follow: realFollow,
    clock: realClock,
    followServiceCIDRs: settings.mode === 'nftables' && settings.serviceCIDRs.length === 0,
    healthzAddress: configuration.healthzBindAddress || undefined,
    metricsAddress: configuration.metricsBindAddress || undefined,
    bindAddressHardFail: configuration.bindAddressHardFail,
    recorder: createEventRecorder({
      client,
      clock: realClock,
      random: realRandom,
      component: 'kube-proxy',
      host: nodeName,
    }),
    log,
  });
  log(`keeps the ${settings.mode} rules of node ${nodeName} as ${access.server} has it`);
  const parts = Promise.all([proxy.run(stop.signal), informers.run(stop.signal)]);
  await (changed ? Promise.race([parts, changed]) : parts);
}

/** Rejects when the text of the file becomes another: whoever started the proxy starts it anew, as with kube-proxy. */
function whenChanged(file: string, signal: AbortSignal): Promise<never> {
  const before = readConfigurationFile(file);
  const { promise, reject } = Promise.withResolvers<never>();
  const look = () => {
    try {
      if (readConfigurationFile(file) === before) return;
    } catch {
      return; // It is being replaced: the next event tells.
    }
    reject(new Failure("proxy: content of the proxy server's configuration file was updated"));
  };
  const watcher = watch(file, { signal, persistent: false }, look);
  watcher.on('error', () => {});
  return promise;
}
