// The API server of a control plane, put together from its parts. Nothing is read, written or running yet.
import { isIP } from 'node:net';
import { builtinResources } from '../api/registry.ts';
import { builtinSchemas } from '../api/schema.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { Aggregator } from '../apiserver/aggregation/aggregator.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import type { Auditor } from '../apiserver/audit/auditor.ts';
import type { HealthCheck } from '../apiserver/health.ts';
import { unavailableApis } from '../apiserver/metrics/aggregation-metrics.ts';
import type { ApiMetrics } from '../apiserver/metrics/api-metrics.ts';
import { MeteredStorage } from '../apiserver/metrics/metered-storage.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { RegistryHooks } from '../apiserver/registry/hooks.ts';
import { ServiceHooks } from '../apiserver/registry/service/service-hooks.ts';
import { ResourceMetrics } from '../apiserver/resource-metrics/resource-metrics.ts';
import { createSecurity, type Security } from '../apiserver/security.ts';
import { connectHandlers } from '../apiserver/streaming/connect-handlers.ts';
import { dialEndpoint } from '../apiserver/tunnel/dial.ts';
import { NodeLinks } from '../apiserver/tunnel/node-links.ts';
import { tunnelPath } from '../apiserver/tunnel/tunnel-path.ts';
import { TunnelRegistry } from '../apiserver/tunnel/tunnel-registry.ts';
import { versionInfo } from '../apiserver/version.ts';
import { WatchCache } from '../apiserver/watch-cache/watch-cache.ts';
import { zpages } from '../apiserver/zpages/zpages.ts';
import type { Storage } from '../storage/storage.ts';
import { realClock } from '../system/real/clock.ts';
import { realRandom } from '../system/real/random.ts';
import { advertisedAddress } from './advertised-address.ts';
import { clusterSettings } from './cluster-settings.ts';
import { Failure } from './failure.ts';
import { components, healthChecks, storageSize } from './health-checks.ts';
import { InProcessTransport } from './in-process-transport.ts';
import { Page, type PageOptions } from './page/page.ts';
import type { Access } from './server-access.ts';
import type { HostPort, ServerConfig } from './server-config.ts';
import { urlOf } from './server-listeners.ts';
import { tellSettings } from './tell-settings.ts';

export interface ApiServerParts {
  readonly storage: Storage;
  /** As it is now: certificates are renewed. */
  readonly pki: () => Pki;
  readonly access: Access;
  readonly metrics: ApiMetrics;
  readonly auditor: Auditor | undefined;
  /** Where it listens. */
  readonly addresses: readonly HostPort[];
  readonly isEnding: () => boolean;
  /** Whether the key management services are well that storage needs. */
  readonly kmsChecks: readonly HealthCheck[] | undefined;
}

export interface ComposedApiServer {
  readonly server: ApiServer;
  readonly security: Security;
  readonly hooks: ServiceHooks;
  readonly tunnels: TunnelRegistry;
  readonly aggregator: Aggregator;
  readonly page: Page | undefined;
}

/** Throws a Failure for ranges that cannot be used. */
export function composeApiServer(config: ServerConfig, parts: ApiServerParts): ComposedApiServer {
  const { onError, clock = realClock } = config;
  const { storage, pki, access, metrics, addresses } = parts;
  const { ca, serviceAccountKeyPem } = pki();
  const advertised = advertisedAddress(addresses, config.serviceClusterIPRanges[0]);
  const hooks = createHooks(config, { storage, advertised });
  const isStorageShared = config.datastore !== undefined;
  const cache = new WatchCache(storage, clock, { isStorageShared, onUnreadable: (error) => onError(error, 'storage') });
  const security = createSecurity({
    ...access,
    cache,
    ca: ca.certPem,
    serviceAccountKeyPem,
    // Pods read the keys of tokens there.
    serverUrl: urlOf(advertised),
    clock,
    random: realRandom,
    onError: (error) => onError(error, 'authorization'),
  });
  const tunnels = new TunnelRegistry(realClock);
  const links = new NodeLinks({
    tunnels,
    view: security.view,
    client: () => pki().admin,
    ca: access.kubeletCA,
    clock: realClock,
  });
  const definitions = builtinResources();
  const aggregator = new Aggregator({
    cache,
    view: security.view,
    tunnels,
    frontProxy: () => pki().frontProxy.client,
    requestHeader: access.requestHeader,
    builtin: definitions,
    own: { 'metrics.k8s.io/v1beta1': new ResourceMetrics({ view: security.view, links }) },
    clock: realClock,
    random: realRandom,
    onError: (error) => onError(error, 'aggregation'),
  });
  const metered = new MeteredStorage(storage, realClock);
  metrics.add([unavailableApis(security.view), ...metered.families, ...storageSize(ownFolder(config))]);
  const page = createPage(config, { security, transport: (user) => new InProcessTransport(server, user) });
  const version = versionInfo(config.version, { arch: process.arch, node: process.versions.node });
  const begun = clock.monotonic();
  const up = () => clock.monotonic() - begun;
  const seen = zpages({ version, flags: config.flags ?? {}, started: clock.now(), up });
  const checks = healthChecks({ storage, cache, isEnding: parts.isEnding, kms: parts.kmsChecks });
  const server: ApiServer = new ApiServer({
    storage: metered,
    cache,
    definitions,
    aggregation: aggregator,
    schemas: builtinSchemas(),
    authenticator: security.authenticator,
    authorizer: security.authorizer,
    auditor: parts.auditor,
    extensions: {
      connect: connectHandlers({ ...security, links, clock, random: realRandom }),
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
    requestTimeout: config.serving?.requestTimeout,
    minRequestMs: shortestWatch(config.serving?.minRequestTimeout),
    ...(config.eventTtl !== undefined && { eventTtl: config.eventTtl }),
    ...(config.admissionPlugins && { admissionPlugins: config.admissionPlugins }),
    isStorageShared,
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
  return { server, security, hooks, tunnels, aggregator, page };
}

/** The half of what timers bear: a watch lasts up to twice as long. */
const longestTimer = 2 ** 30;

/** Milliseconds of seconds; 0 is for ever, as for kube-apiserver. */
function shortestWatch(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  return seconds === 0 ? longestTimer : Math.min(seconds * 1000, longestTimer);
}

/** Servers that share a store keep nothing of their own. */
function ownFolder({ datastore, dataDir }: ServerConfig): string | undefined {
  return datastore ? undefined : dataDir;
}

function createPage(
  config: ServerConfig,
  { security, transport }: Pick<PageOptions, 'transport'> & { readonly security: Security },
): Page | undefined {
  if (config.keepsHistory === false) return undefined;
  return new Page({
    transport,
    authorizer: security.authorizer,
    settings: clusterSettings(config),
    historyFolder: ownFolder(config),
    clock: realClock,
    random: realRandom,
    onError: config.onError,
  });
}

function createHooks(
  { serviceClusterIPRanges, serviceNodePortRange, clock = realClock }: ServerConfig,
  { storage, advertised }: { readonly storage: Storage; readonly advertised: HostPort },
): ServiceHooks {
  const { host, port } = advertised;
  try {
    return new ServiceHooks({
      storage,
      clock,
      random: realRandom,
      serviceCIDRs: serviceClusterIPRanges,
      nodePortRange: { first: serviceNodePortRange.from, last: serviceNodePortRange.to },
      ...(isIP(host) !== 0 && { advertise: { address: host, port } }),
    });
  } catch (error) {
    throw new Failure(`--service-cluster-ip-range: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}
