// The control plane as one process: storage, keys, API server, listeners, controllers and scheduler put together.

import { isIP } from 'node:net';
import { builtinResources } from '../api/registry.ts';
import { builtinSchemas } from '../api/schema.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import type { PluginSelection } from '../apiserver/admission/plugins.ts';
import { Aggregator } from '../apiserver/aggregation/aggregator.ts';
import { ensureAuthenticationConfig } from '../apiserver/aggregation/authentication-config.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import type { CertificateAuthorities } from '../apiserver/client-certificate.ts';
import type { InFlightLimits } from '../apiserver/flowcontrol/in-flight.ts';
import { type Handler, Listener } from '../apiserver/listener.ts';
import { unavailableApis } from '../apiserver/metrics/aggregation-metrics.ts';
import { ApiMetrics } from '../apiserver/metrics/api-metrics.ts';
import { MeteredStorage } from '../apiserver/metrics/metered-storage.ts';
import { kubeconfigText } from '../apiserver/pki/kubeconfig.ts';
import { loadOrCreatePki, type Pki } from '../apiserver/pki/pki.ts';
import type { RegistryHooks } from '../apiserver/registry/hooks.ts';
import { createServiceHooks, type ServiceHooks } from '../apiserver/registry/service/service-hooks.ts';
import type { User } from '../apiserver/request.ts';
import { ResourceMetrics } from '../apiserver/resource-metrics/resource-metrics.ts';
import { createSecurity } from '../apiserver/security.ts';
import { connectHandlers } from '../apiserver/streaming/connect-handlers.ts';
import { dialEndpoint } from '../apiserver/tunnel/dial.ts';
import { tunnelPath } from '../apiserver/tunnel/tunnel-path.ts';
import { TunnelRegistry } from '../apiserver/tunnel/tunnel-registry.ts';
import { versionInfo } from '../apiserver/version.ts';
import { WatchCache } from '../apiserver/watch-cache/watch-cache.ts';
import { zpages } from '../apiserver/zpages/zpages.ts';
import { namedTransport } from '../client/named-transport.ts';
import type { NodeEvictionConfig } from '../controllers/config.ts';
import { WorkQueueMetrics } from '../metrics/work-queue-metrics.ts';
import { addressAt, parseCIDR } from '../net/cidr.ts';
import { formatIP } from '../net/ip.ts';
import type { Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';
import type { Files } from '../system/files.ts';
import { realClock } from '../system/real/clock.ts';
import { makeFolder, realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { advertisedAddress } from './advertised-address.ts';
import type { AuditConfig } from './audit.ts';
import type { AuthenticationFlags } from './authentication.ts';
import { ensureBootstrapObjects, markStore } from './bootstrap-objects.ts';
import { cannotListen } from './cannot-listen.ts';
import { type Addon, addonsOnceJoined } from './cluster-addons.ts';
import { clusterSettings } from './cluster-settings.ts';
import { prepareControlLoops } from './control-loops.ts';
import { type DatastoreConfig, openStorage } from './datastore.ts';
import { Failure } from './failure.ts';
import { type FrontProxyConfig, openFrontProxy } from './front-proxy.ts';
import { components, healthChecks, storageSize } from './health-checks.ts';
import { InProcessTransport } from './in-process-transport.ts';
import { Page } from './page/page.ts';
import { forgetfulFiles, withSharedKeys } from './shared-keys.ts';
import { tellSettings } from './tell-settings.ts';

export interface HostPort {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface ServerConfig {
  /** Without one everything is forgotten at the end. */
  readonly dataDir?: string;
  /** In place of the embedded store; further servers may share it. */
  readonly datastore?: DatastoreConfig;
  /** Controllers and scheduler run in one of the servers that share a store. */
  readonly leaderElect?: boolean;
  /** The first is the address in kubeconfigs. */
  readonly listen: readonly HostPort[];
  /** Further names and addresses of the server, for its certificate. */
  readonly advertise: readonly string[];
  /** One CIDR, or one per family; the first gives the default family. */
  readonly serviceClusterIPRanges: readonly string[];
  readonly serviceNodePortRange: { readonly from: number; readonly to: number };
  readonly clusterCIDRs: readonly string[];
  /** Of DNS names; default `cluster.local`. */
  readonly clusterDomain?: string;
  /** What the cluster is given when the first agent joins. Default: all that there is. */
  readonly addons?: readonly Addon[];
  readonly kubeconfigOut?: string;
  /** kube-apiserver's CSV: token,user,uid,"group1,group2". */
  readonly tokenAuthFile?: string;
  /** Others whose tokens are believed. */
  readonly authentication?: AuthenticationFlags;
  /** Default: as the file of `authentication` says, or yes. */
  readonly anonymousAuth?: boolean;
  /** Proxies that are believed beside the cluster's own servers. */
  readonly frontProxy?: FrontProxyConfig;
  /** Default: kube-apiserver's. */
  readonly limits?: InFlightLimits;
  /** Without it there is no audit log. */
  readonly audit?: AuditConfig;
  /** As kube-controller-manager's flag: names, `*`, `-name`. */
  readonly controllers: readonly string[];
  /** Nodes whose kubelet is played (src/kubelet/hollow). Default 0. */
  readonly hollowNodes?: number;
  /** Milliseconds for which events are kept; default: an hour. */
  readonly eventTtl?: number;
  /** Milliseconds for which certificates that it signs are valid; default: a year. */
  readonly clusterSigningDuration?: number;
  /** Milliseconds of silence after which a node is NotReady; default: 40 s. */
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeEviction?: NodeEvictionConfig;
  /** Names of admission plugins that are on, or off, other than by default. */
  readonly admissionPlugins?: PluginSelection;
  /** Whether the page is served, with the history that it shows. Default true. */
  readonly keepsHistory?: boolean;
  /** The time that objects and loops live by; sockets and certificates keep the machine's. Default: the machine's. */
  readonly clock?: Clock;
  /** What was asked for on the command line, by name: shown by /flagz. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Portico's own version. */
  readonly version: string;
  readonly onError: (error: unknown, what: string) => void;
}

export interface ControlPlane {
  /** Where it listens, in the order of the configuration. */
  readonly addresses: readonly HostPort[];
  readonly pki: Pki;
  /** The way in for parts of this process. */
  transport(user: User): InProcessTransport;
  /** Ends listeners, controllers and storage; nothing acknowledged is lost. */
  close(): Promise<void>;
}

/** How long loops may take to end. */
const endingMs = 2000;

const system: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export async function startControlPlane(config: ServerConfig): Promise<ControlPlane> {
  const stop = new AbortController();
  if (config.dataDir !== undefined) await prepareFolder(config.dataDir);
  const storage = await openStorage(config);
  try {
    return await assemble(config, { storage, ...(await openKeys(config, storage)), stop });
  } catch (error) {
    stop.abort();
    await storage.close();
    throw error;
  }
}

async function prepareFolder(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir, 0o700);
  } catch (error) {
    throw new Failure(`cannot use the data directory ${dataDir}: ${messageOf(error)}`, { cause: error });
  }
}

/** The cluster's keys, and the files in which they are looked at again. */
async function openKeys(config: ServerConfig, storage: Storage): Promise<{ readonly pki: Pki; readonly files: Files }> {
  if (config.datastore) {
    const { loaded, files } = await withSharedKeys(storage, (shared) => openPki(config, shared));
    return { pki: loaded, files };
  }
  const files = config.dataDir === undefined ? forgetfulFiles() : realFiles;
  return { pki: await openPki(config, files), files };
}

function openPki(
  { dataDir, listen, advertise, serviceClusterIPRanges, clusterDomain, datastore }: ServerConfig,
  files: Files,
): Promise<Pki> {
  const hosts = listen.map(({ host }) => host).filter((host) => host !== '0.0.0.0' && host !== '::');
  // The address of the Service `kubernetes`: the first of each range.
  const services = serviceClusterIPRanges.map(parseCIDR).filter((cidr) => cidr !== undefined);
  const serviceIPs = services.map((cidr) => formatIP(addressAt(cidr, 1n)));
  return loadOrCreatePki({
    // In etcd the files have the same names, wherever a server has its data.
    dataDir: datastore ? '/' : (dataDir ?? '/'),
    sans: [...new Set([...hosts, ...advertise, ...serviceIPs, ...ownNames(clusterDomain)])],
    clock: realClock,
    random: realRandom,
    files,
  });
}

/** The Service `kubernetes` by its whole name, where the domain is not the usual one. */
function ownNames(clusterDomain: string | undefined): string[] {
  return clusterDomain === undefined ? [] : [`kubernetes.default.svc.${clusterDomain}`];
}

interface Opened {
  readonly storage: Storage;
  readonly pki: Pki;
  readonly files: Files;
  readonly stop: AbortController;
}

async function assemble(config: ServerConfig, { storage, pki, files, stop }: Opened): Promise<ControlPlane> {
  const { onError, clock = realClock } = config;
  const tokenFile = await readTokenFile(config.tokenAuthFile);
  const requestHeader = await openFrontProxy(config.frontProxy ?? {}, pki);
  const opened =
    config.authentication &&
    (await (
      await import('./authentication.ts')
    ).openAuthentication(config.authentication, (error) => onError(error, 'authentication')));
  const { anonymousAuth } = config;
  const anonymous = anonymousAuth === undefined ? opened?.anonymous : { enabled: anonymousAuth };
  const audit = config.audit && (await import('./audit.ts'));
  const metrics = new ApiMetrics();
  const audited =
    audit &&
    (await audit.openAudit(config.audit!, {
      onEvent: () => metrics.auditEvents.with().add(),
      onError(error) {
        metrics.auditErrors.with('log').add();
        onError(error, 'audit log');
      },
    }));
  await markStore(storage);
  // Ports are taken first, so that a taken one is told before anything else happens; requests wait until all is ready.
  const ready = Promise.withResolvers<ApiServer>();
  ready.promise.catch(() => {});
  let handle: Handler = async (request) => (await ready.promise).handle(request);
  const authorities = { client: pki.ca.certPem, requestHeader: requestHeader.ca };
  const listeners = await listen(config, { pki, authorities }, (request) => handle(request));
  const addresses = listeners.map(({ bound }) => bound);
  const running: Promise<void>[] = [];
  const background = (what: string, work: Promise<void>) => {
    running.push(work.catch((error: unknown) => onError(error, what)));
  };
  // Nobody writes any more when storage is closed.
  const ending = new AbortController();
  const close = async () => {
    ending.abort();
    await Promise.all(listeners.map(({ listener }) => listener.close()));
    stop.abort();
    // Storage outlives the loops where they end in time; a write that comes too late fails, and nothing acknowledged is lost.
    const late = Promise.withResolvers<void>();
    const patience = realClock.after(endingMs, late.resolve);
    await Promise.race([Promise.all(running), late.promise]);
    patience.cancel();
    await audited?.close();
  };
  try {
    const advertised = advertisedAddress(addresses, config.serviceClusterIPRanges[0]);
    const hooks = createHooks(config, { storage, address: advertised });
    const cache = new WatchCache(storage, clock);
    const security = createSecurity({
      cache,
      ca: pki.ca.certPem,
      serviceAccountKeyPem: pki.serviceAccountKeyPem,
      tokenFile,
      requestHeader,
      jwt: opened?.jwt,
      anonymous,
      // Pods read the keys of tokens there.
      serverUrl: urlOf(advertised),
      clock,
      random: realRandom,
    });
    const tunnels = new TunnelRegistry(realClock);
    const definitions = builtinResources();
    const aggregator = new Aggregator({
      cache,
      view: security.view,
      tunnels,
      frontProxy: pki.frontProxy.client,
      requestHeader,
      builtin: definitions,
      own: { 'metrics.k8s.io/v1beta1': new ResourceMetrics({ view: security.view, tunnels }) },
      clock: realClock,
      random: realRandom,
      onError: (error) => onError(error, 'aggregation'),
    });
    const metered = new MeteredStorage(storage, realClock);
    metrics.add([
      unavailableApis(security.view),
      ...metered.families,
      ...storageSize(config.datastore ? undefined : config.dataDir),
    ]);
    const page =
      config.keepsHistory === false
        ? undefined
        : new Page({
            transport: (user) => new InProcessTransport(server, user),
            authorizer: security.authorizer,
            settings: clusterSettings(config),
            // Servers that share a store keep nothing of their own.
            historyFolder: config.datastore ? undefined : config.dataDir,
            clock: realClock,
            random: realRandom,
            onError,
          });
    const version = versionInfo(config.version, { arch: process.arch, node: process.versions.node });
    const now = () => clock.now();
    const seen = zpages({ version, flags: config.flags ?? {}, started: now(), now });
    const checks = healthChecks({ storage, cache, isEnding: () => ending.signal.aborted });
    const server: ApiServer = new ApiServer({
      storage: metered,
      cache,
      definitions,
      aggregation: aggregator,
      schemas: builtinSchemas(),
      authenticator: security.authenticator,
      authorizer: security.authorizer,
      auditor: audited?.auditor,
      extensions: {
        connect: connectHandlers({ ...security, tunnels, clock, random: realRandom }),
        virtual: security.virtual,
        paths: [
          ...security.paths,
          ...seen,
          tunnelPath(tunnels),
          tellSettings(clusterSettings(config)),
          ...(page?.paths ?? []),
        ],
        components: components(checks),
      },
      dial: (target) => dialEndpoint(tunnels, target),
      ...(config.eventTtl !== undefined && { eventTtl: config.eventTtl }),
      ...(config.admissionPlugins && { admissionPlugins: config.admissionPlugins }),
      isStorageShared: config.datastore !== undefined,
      hooks: {
        services: hooks as unknown as RegistryHooks<KubeObject>,
        'ipaddresses.networking.k8s.io': hooks.addressHooks,
      },
      healthChecks: checks,
      metrics,
      ...(config.limits && { limits: config.limits }),
      version,
      address: urlOf(addresses[0]!).slice('https://'.length),
      clock,
      random: realRandom,
      onError: (error) => onError(error, 'API server'),
    });
    await hooks.prepare();
    await server.load();
    background('watch cache', server.run(stop.signal));
    background('tunnels', tunnels.run(stop.signal));
    const added = { joined: tunnels.connected, addons: config.addons, signal: stop.signal };
    background('add-ons', addonsOnceJoined(new InProcessTransport(server, system), added));
    background('Service allocations', hooks.run(stop.signal));
    const transport = namedTransport(new InProcessTransport(server, system), 'kube-apiserver');
    const create = (resource: GroupVersionResource, object: KubeObject) =>
      server.createOwn({ resource, object, manager: 'kube-apiserver' });
    await ensureBootstrapObjects({ view: security.view, create, transport }, aggregator.builtinServices());
    await ensureAuthenticationConfig(transport, { clientCA: pki.ca.certPem, requestHeader });
    if (config.kubeconfigOut !== undefined) await writeKubeconfig(config.kubeconfigOut, pki, addresses[0]!);
    const queues = new WorkQueueMetrics(() => clock.now());
    metrics.add(queues.families);
    const loops = await prepareControlLoops({ ...config, ...pki, clock, metrics: queues, transport });
    ready.resolve(server);
    handle = (request) => server.handle(request);
    background('controllers', loops(stop.signal));
    if (page) background('page', page.run(stop.signal));
    background('aggregation', aggregator.run(transport, stop.signal));
    background('certificates', renewCertificates(config, { pki, files, listeners, signal: stop.signal }));
    return {
      addresses,
      pki,
      transport: (user) => new InProcessTransport(server, user),
      async close() {
        await close();
        await storage.close();
      },
    };
  } catch (error) {
    ready.reject(error);
    await close();
    throw error;
  }
}

/** Looked at this often; a certificate is renewed long before its end. */
const certificatePeriod = 3_600_000;

interface RenewOptions {
  readonly pki: Pki;
  readonly files: Files;
  readonly listeners: readonly { readonly listener: Listener }[];
  readonly signal: AbortSignal;
}

/** Renews the server's certificate while it runs; connections that are there stay. */
async function renewCertificates(config: ServerConfig, { pki, files, listeners, signal }: RenewOptions): Promise<void> {
  let present = pki.server.certPem;
  while (!signal.aborted) {
    await realClock.sleep(certificatePeriod, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const { server } = await openPki(config, files);
      if (server.certPem === present) continue;
      present = server.certPem;
      for (const { listener } of listeners) listener.renew({ cert: server.certPem, key: server.keyPem });
    } catch (error) {
      config.onError(error, 'renewing the server certificate');
    }
  }
}

function createHooks(
  { serviceClusterIPRanges, serviceNodePortRange, clock = realClock }: ServerConfig,
  { storage, address }: { readonly storage: Storage; readonly address: HostPort },
): ServiceHooks {
  try {
    return createServiceHooks({
      storage,
      clock,
      random: realRandom,
      serviceCIDRs: serviceClusterIPRanges,
      nodePortRange: { first: serviceNodePortRange.from, last: serviceNodePortRange.to },
      ...(isIP(address.host) !== 0 && { advertise: { address: address.host, port: address.port } }),
    });
  } catch (error) {
    throw new Failure(`--service-cluster-ip-range: ${messageOf(error)}`, { cause: error, exitCode: 2 });
  }
}

async function listen(
  config: ServerConfig,
  { pki, authorities }: { readonly pki: Pki; readonly authorities: CertificateAuthorities },
  handler: Handler,
): Promise<{ readonly listener: Listener; readonly bound: HostPort }[]> {
  const open: { listener: Listener; bound: HostPort }[] = [];
  for (const { host, port } of config.listen) {
    const options = {
      host,
      port,
      cert: pki.server.certPem,
      key: pki.server.keyPem,
      authorities,
      clock: realClock,
    };
    const listener = new Listener(options, handler);
    try {
      const bound = await listener.listen();
      open.push({ listener, bound: { host, port: bound.port } });
    } catch (error) {
      for (const one of open) await one.listener.close();
      const why = cannotListen(error) ?? `cannot listen on ${urlHost(host)}:${port}: ${messageOf(error)}`;
      throw new Failure(why, { cause: error });
    }
  }
  return open;
}

export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** How a client on this machine reaches an address that the server listens on. */
export function urlOf({ host, port }: HostPort): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `https://${urlHost(reachable)}:${port}`;
}

async function writeKubeconfig(path: string, pki: Pki, address: HostPort): Promise<void> {
  const text = kubeconfigText({
    clusterName: 'portico',
    server: urlOf(address),
    caPem: pki.ca.certPem,
    credentials: pki.admin,
  });
  try {
    await realFiles.write(path, text, { mode: 0o600 });
  } catch (error) {
    throw new Failure(`cannot write the kubeconfig ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function readTokenFile(
  path: string | undefined,
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  if (path === undefined) return undefined;
  const text = await realFiles.read(path);
  if (text === undefined) throw new Failure(`--token-auth-file ${path}: there is no such file`);
  return { path, text };
}
