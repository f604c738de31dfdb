// The control plane alone, in the foreground.
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { configMapKey, dns1123Subdomain } from '../apimachinery/validation/names.ts';
import { type PluginSelection, selectPlugins, UnknownPluginError } from '../apiserver/admission/plugins.ts';
import type { ConfigMapKey } from '../apiserver/admission/service-account.ts';
import { reportOnce } from '../client/report-once.ts';
import type { AdmissionConfig } from '../cluster/admission-config.ts';
import { type Addon, addons } from '../cluster/cluster-addons.ts';
import { defaultClusterDomain, readDomain } from '../cluster/cluster-settings.ts';
import { readPodRanges, readRanges, serviceRangeFlag } from '../cluster/ranges.ts';
import { startControlPlane } from '../cluster/server.ts';
import type { HostPort, ServerConfig } from '../cluster/server-config.ts';
import { urlHost } from '../cluster/server-listeners.ts';
import { formatCIDR } from '../net/cidr.ts';
import { realClock } from '../system/real/clock.ts';
import { type AuditOptions, auditConfig, auditOptions } from './audit-flags.ts';
import {
  type AuthenticationOptions,
  authenticationFlags,
  authenticationOptions,
  isAnonymousAllowed,
} from './authentication-flags.ts';
import { type AuthorizationOptions, authorizationFlags, authorizationOptions } from './authorization-flags.ts';
import { hollowCount } from './cluster-options.ts';
import { type EncryptionOptions, encryptionConfig, encryptionOptions } from './encryption-flags.ts';
import { isTrue, oneOf, parseDuration, repeatedLists, usage, wholeNumber } from './flag-values.ts';
import { type FrontProxyFlags, frontProxyConfig, frontProxyOptions } from './front-proxy-flags.ts';
import { type NodeEvictionFlags, nodeEvictionConfig, nodeEvictionOptions } from './node-eviction-flags.ts';
import { type ServingOptions, servingConfig, servingOptions } from './serving-flags.ts';
import { keepHeapSmall } from './small-heap.ts';
import { porticoVersion } from './version.ts';

interface ServerFlags
  extends FrontProxyFlags,
    AuthenticationOptions,
    AuthorizationOptions,
    NodeEvictionFlags,
    EncryptionOptions,
    AuditOptions,
    ServingOptions {
  readonly dataDir?: string;
  readonly datastoreEndpoint?: string;
  readonly datastoreCafile?: string;
  readonly datastoreCertfile?: string;
  readonly datastoreKeyfile?: string;
  readonly leaderElect?: string;
  readonly listen: string[];
  readonly advertiseAddress: string[];
  readonly serviceClusterIpRange: string;
  readonly serviceNodePortRange: string;
  readonly clusterCidr: string;
  readonly clusterDomain: string;
  readonly addons: string;
  readonly kubeconfigOut?: string;
  readonly clusterName: string;
  readonly tokenAuthFile?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly controllers: string;
  readonly scheduler: string;
  readonly hollowNodes: number;
  readonly eventTtl: string;
  readonly clusterSigningDuration: string;
  readonly nodeMonitorGracePeriod: string;
  readonly enableAdmissionPlugins: string;
  readonly disableAdmissionPlugins: string;
  readonly admissionControlConfigFile?: string;
  readonly serviceAccountVolumeConfigmap?: string[];
  readonly maxRequestsInflight: string;
  readonly maxMutatingRequestsInflight: string;
}

const defaultListen = '127.0.0.1:6443';

export function register(command: Command): void {
  frontProxyOptions(command);
  authenticationOptions(command);
  authorizationOptions(command);
  nodeEvictionOptions(command);
  encryptionOptions(command);
  auditOptions(command);
  servingOptions(command);
  command
    .option('--data-dir <dir>', 'where objects and keys are kept; without it nothing outlives the process')
    .option('--datastore-endpoint <urls>', 'etcd, in place of the embedded store: http(s)://host:port,...')
    .option('--datastore-cafile <file>', "certificate authority of etcd's servers")
    .option('--datastore-certfile <file>', 'client certificate for etcd')
    .option('--datastore-keyfile <file>', 'key of the client certificate')
    .option('--leader-elect <bool>', 'run controllers in one of the servers of a store (default: true with etcd)')
    .option('--listen <addr:port>', `where to serve HTTPS, repeatable (default: ${defaultListen})`, repeatedLists)
    .option(
      '--advertise-address <name>',
      "further names and addresses for the server's certificate, repeatable",
      repeatedLists,
    )
    .option('--service-cluster-ip-range <cidrs>', 'ranges of Service addresses', '10.96.0.0/16,fd00:96::/112')
    .option('--service-node-port-range <from-to>', 'range of node ports', '30000-32767')
    .option('--cluster-cidr <cidrs>', 'ranges of pods', '10.244.0.0/16,fd00:10:244::/56')
    .option('--cluster-domain <domain>', 'of DNS names', defaultClusterDomain)
    .option(
      '--addons <names>',
      'what the cluster is given when the first agent joins: local-path (default StorageClass), metrics (kubectl top)',
      addons.join(),
    )
    .option('--kubeconfig-out <file>', "where to write the administrator's kubeconfig")
    .option('--cluster-name <name>', 'what the cluster is called there', 'portico')
    .option('--token-auth-file <file>', 'CSV of token,user,uid,"group1,group2"')
    .option(
      '--kubelet-certificate-authority <file>',
      'authorities of kubelets that listen (default: their certificates are not looked at)',
    )
    .option('--max-requests-inflight <count>', 'reads worked on at once; 0: no limit', '400')
    .option('--max-mutating-requests-inflight <count>', 'writes worked on at once; 0: no limit', '200')
    .option('--controllers <list>', 'controllers to run: names, * for all, -name for all but', '*')
    .option('--scheduler <bool>', 'run the scheduler; false leaves pods to another one', 'true')
    .option('--hollow-nodes <count>', 'nodes whose kubelet is played, to try things without any', hollowCount, 0)
    .option('--event-ttl <duration>', 'how long events are kept after their last write', '1h0m0s')
    .option('--cluster-signing-duration <duration>', 'how long certificates that it signs are valid', '8760h0m0s')
    .option('--node-monitor-grace-period <duration>', 'how long a node may be silent before it is NotReady', '50s')
    .option('--enable-admission-plugins <names>', 'admission plugins to run beside those that always do', '')
    .option('--disable-admission-plugins <names>', 'admission plugins not to run', '')
    .option('--admission-control-config-file <file>', 'AdmissionConfiguration: defaults and exemptions of PodSecurity')
    .option(
      '--service-account-volume-configmap <name:key>',
      'ConfigMaps that every service account volume projects beside the CA of the cluster, repeatable',
      repeatedLists,
    )
    .action((flags: Partial<ServerFlags>) => run(flags as ServerFlags, flagTexts(command)));
}

/** All flags as they stand, defaults too: by name, as text. What was not given and has no default is empty; passwords in URLs are not shown. */
function flagTexts(command: Command): Record<string, string> {
  const text = (value: unknown) => String(value ?? '').replace(/\/\/[^/@,]*@/g, '//***@');
  return Object.fromEntries(
    command.options.map((option) => [option.name(), text(command.getOptionValue(option.attributeName()))]),
  );
}

/** After this, milliseconds from being ready, all parts have loaded what they need to run. */
const settledMs = 1000;

async function run(flags: ServerFlags, texts: Readonly<Record<string, string>>): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const authentication = authenticationFlags(flags);
  const authorization = authorizationFlags(flags);
  const anonymousAuth = isAnonymousAllowed(flags);
  // A store that is full or away refuses writes every second.
  const say = reportOnce((line) => process.stderr.write(`portico server: ${line}\n`), realClock);
  const plane = await startControlPlane({
    ...(flags.dataDir !== undefined && { dataDir: resolve(flags.dataDir) }),
    ...datastoreConfig(flags),
    ...encryptionConfig(flags),
    listen: (flags.listen ?? [defaultListen]).map(parseHostPort),
    advertise: flags.advertiseAddress ?? [],
    serviceClusterIPRanges: readRanges(serviceRangeFlag, flags.serviceClusterIpRange).map(formatCIDR),
    serviceNodePortRange: parsePortRange(flags.serviceNodePortRange),
    clusterCIDRs: flags.clusterCidr === '' ? [] : readPodRanges(flags.clusterCidr).map(formatCIDR),
    clusterDomain: readDomain(flags.clusterDomain),
    addons: addonsOf(flags),
    ...(flags.kubeconfigOut !== undefined && { kubeconfigOut: resolve(flags.kubeconfigOut) }),
    clusterName: flags.clusterName,
    ...(flags.tokenAuthFile !== undefined && { tokenAuthFile: resolve(flags.tokenAuthFile) }),
    ...(flags.kubeletCertificateAuthority !== undefined && {
      kubeletCAFile: resolve(flags.kubeletCertificateAuthority),
    }),
    frontProxy: frontProxyConfig(flags),
    ...(authentication && { authentication }),
    ...(authorization && { authorization }),
    ...(anonymousAuth !== undefined && { anonymousAuth }),
    limits: {
      readOnly: wholeNumber('--max-requests-inflight', flags.maxRequestsInflight),
      mutating: wholeNumber('--max-mutating-requests-inflight', flags.maxMutatingRequestsInflight),
    },
    ...servingConfig(flags),
    ...auditConfig(flags),
    controllers: list(flags.controllers),
    scheduler: isTrue('--scheduler', flags.scheduler),
    hollowNodes: flags.hollowNodes,
    eventTtl: parseDuration('--event-ttl', flags.eventTtl),
    clusterSigningDuration: parseDuration('--cluster-signing-duration', flags.clusterSigningDuration),
    nodeMonitorGracePeriod: parseDuration('--node-monitor-grace-period', flags.nodeMonitorGracePeriod),
    nodeEviction: nodeEvictionConfig(flags),
    admissionPlugins: { ...pluginsOf(flags), ...(await admissionConfig(flags)) },
    flags: texts,
    version: porticoVersion(),
    onError(error, what) {
      say(error, what);
      if (process.env.PORTICO_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    },
  });
  const urls = plane.addresses.map(({ host, port }) => `https://${urlHost(host)}:${port}`);
  const seconds = (performance.now() / 1000).toFixed(2);
  process.stdout.write(`portico server: ready on ${urls.join(', ')} after ${seconds} s\n`);
  setTimeout(keepHeapSmall, settledMs).unref();
  const interrupted = new Promise<void>((end) => stop.signal.addEventListener('abort', () => end(), { once: true }));
  try {
    if (!stop.signal.aborted) await Promise.race([interrupted, plane.failed]);
  } finally {
    await plane.close();
  }
}

function datastoreConfig(flags: ServerFlags): Pick<ServerConfig, 'datastore' | 'leaderElect'> {
  const { datastoreEndpoint, datastoreCafile, datastoreCertfile, datastoreKeyfile, leaderElect } = flags;
  const isElected = leaderElect === undefined ? datastoreEndpoint !== undefined : isTrue('--leader-elect', leaderElect);
  if (datastoreEndpoint === undefined) return { leaderElect: isElected };
  if ((datastoreCertfile === undefined) !== (datastoreKeyfile === undefined)) {
    throw usage('--datastore-certfile and --datastore-keyfile belong together');
  }
  return {
    leaderElect: isElected,
    datastore: {
      endpoints: list(datastoreEndpoint),
      ...(datastoreCafile !== undefined && { caFile: resolve(datastoreCafile) }),
      ...(datastoreCertfile !== undefined && { certFile: resolve(datastoreCertfile) }),
      ...(datastoreKeyfile !== undefined && { keyFile: resolve(datastoreKeyfile) }),
    },
  };
}

function addonsOf(flags: ServerFlags): Addon[] {
  return list(flags.addons).map((name) => oneOf('--addons', name, addons));
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

async function admissionConfig({ admissionControlConfigFile: file }: ServerFlags): Promise<AdmissionConfig> {
  if (file === undefined) return {};
  const { readAdmissionConfig } = await import('../cluster/admission-config.ts');
  return readAdmissionConfig(resolve(file));
}

function pluginsOf(flags: ServerFlags): PluginSelection {
  const selection = {
    enabled: list(flags.enableAdmissionPlugins),
    disabled: list(flags.disableAdmissionPlugins),
    serviceAccountVolumeConfigMaps: (flags.serviceAccountVolumeConfigmap ?? []).map(parseConfigMapKey),
  };
  try {
    selectPlugins(selection);
    return selection;
  } catch (error) {
    if (!(error instanceof UnknownPluginError)) throw error;
    throw usage(`--enable-admission-plugins, --disable-admission-plugins: ${error.message}`, error);
  }
}

function parseConfigMapKey(text: string): ConfigMapKey {
  const [name = '', key = '', ...more] = text.split(':');
  if (dns1123Subdomain(name).length === 0 && configMapKey(key).length === 0 && more.length === 0) return { name, key };
  const why = 'must be the name of a ConfigMap and a key of it, such as kube-root-ca.crt:ca.crt';
  throw usage(`--service-account-volume-configmap ${text}: ${why}`);
}

function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  if (!match || port > 65535 || (host !== '' && isIP(host) === 0 && !/^[A-Za-z0-9.-]+$/.test(host))) {
    throw usage(`--listen ${text}: must be ADDRESS:PORT, such as 127.0.0.1:6443 or [::1]:6443`);
  }
  return { host: host || '0.0.0.0', port };
}

function parsePortRange(text: string): { from: number; to: number } {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || from < 1 || to > 65535 || from > to) {
    throw usage(`--service-node-port-range ${text}: must be FROM-TO, such as 30000-32767`);
  }
  return { from, to };
}
