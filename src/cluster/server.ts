// The control plane as one process: storage, keys, API server, listeners, controllers and scheduler put together.

import { access, constants } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { GroupVersionResource, KubeObject } from '../apimachinery/object.ts';
import { ensureAuthenticationConfig } from '../apiserver/aggregation/authentication-config.ts';
import type { ApiServer } from '../apiserver/api-server.ts';
import type { Handler } from '../apiserver/listener.ts';
import { ApiMetrics } from '../apiserver/metrics/api-metrics.ts';
import { kubeconfigText } from '../apiserver/pki/kubeconfig.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { User } from '../apiserver/request.ts';
import { namedTransport } from '../client/named-transport.ts';
import { ControllersMetrics } from '../metrics/controllers-metrics.ts';
import { HistoryLostError } from '../storage/storage.ts';
import type { Files } from '../system/files.ts';
import { realClock } from '../system/real/clock.ts';
import { makeFolder, realFiles } from '../system/real/files.ts';
import { ensureBootstrapObjects, markStore } from './bootstrap-objects.ts';
import { addonsOnceJoined } from './cluster-addons.ts';
import { composeApiServer } from './compose-api-server.ts';
import type { prepareControlLoops } from './control-loops.ts';
import { type OpenStorage, openStorage } from './datastore.ts';
import { Failure } from './failure.ts';
import { InProcessTransport } from './in-process-transport.ts';
import { keepOwnObjects } from './own-objects.ts';
import { openAccess, openAuditLog } from './server-access.ts';
import type { ControlPlane, HostPort, ServerConfig } from './server-config.ts';
import { openKeys, renewCertificates } from './server-keys.ts';
import { listen, urlOf } from './server-listeners.ts';
import { openServing } from './serving.ts';

/** How long loops may take to end. */
const endingMs = 2000;

const system: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/**
 * Resolves when requests are answered. Rejects with a Failure when an address is taken or the data does not fit; nothing
 * is left running then.
 */
export async function startControlPlane(config: ServerConfig): Promise<ControlPlane> {
  const stop = new AbortController();
  if (config.dataDir !== undefined) await prepareFolder(config.dataDir);
  // Storage opens in a thread of its own; what is not needed before is loaded meanwhile.
  const [opened, { prepareControlLoops }] = await Promise.all([openStorage(config), import('./control-loops.ts')]);
  const { storage } = opened;
  try {
    return await assemble(config, { ...opened, ...(await openKeys(config, storage)), stop, prepareControlLoops });
  } catch (error) {
    stop.abort();
    await storage.close();
    throw error;
  }
}

async function prepareFolder(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir, 0o700);
    // SQLite says "disk I/O error" of a folder that cannot be written to.
    await access(dataDir, constants.W_OK);
  } catch (error) {
    throw new Failure(`cannot use the data directory ${dataDir}: ${errorMessage(error)}`, { cause: error });
  }
}

interface Opened extends OpenStorage {
  readonly pki: Pki;
  readonly files: Files;
  readonly stop: AbortController;
  readonly prepareControlLoops: typeof prepareControlLoops;
}

async function assemble(config: ServerConfig, opened: Opened): Promise<ControlPlane> {
  const { storage, files, stop } = opened;
  let { pki } = opened;
  const { onError, clock = realClock } = config;
  const metrics = new ApiMetrics();
  const access = await openAccess(config, pki);
  const audited = await openAuditLog(config, metrics);
  await markStore(storage);
  // Ports are taken first, so that a taken one is told before anything else happens; requests wait until all is ready.
  const ready = Promise.withResolvers<ApiServer>();
  ready.promise.catch(() => {});
  let handle: Handler = async (request) => (await ready.promise).handle(request);
  const serving = openServing(config.serving);
  const authorities = { client: pki.ca.certPem, requestHeader: access.requestHeader.ca };
  const listeners = await listen(
    config,
    { pki, authorities },
    serving.around((request) => handle(request)),
  );
  const addresses = listeners.map(({ bound }) => bound);
  const running: Promise<void>[] = [];
  const background = (what: string, work: Promise<void>) => {
    running.push(work.catch((error: unknown) => onError(error, what)));
  };
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {});
  // Nobody writes any more when storage is closed.
  const ending = new AbortController();
  const close = async ({ isDrained = false } = {}) => {
    ending.abort();
    if (isDrained) await serving.drain();
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
    const { server, security, hooks, tunnels, aggregator, page } = composeApiServer(config, {
      storage,
      pki: () => pki,
      access,
      metrics,
      auditor: audited?.auditor,
      addresses,
      isEnding: () => ending.signal.aborted,
      kmsChecks: opened.encryption?.healthChecks,
    });
    await hooks.prepare();
    await server.load();
    background(
      'watch cache',
      server.run(stop.signal).catch((error: unknown) => {
        if (!(error instanceof HistoryLostError)) throw error;
        fail(historyLost(error));
      }),
    );
    background('tunnels', tunnels.run(stop.signal));
    const added = { joined: tunnels.connected, addons: config.addons, signal: stop.signal };
    background('add-ons', addonsOnceJoined(new InProcessTransport(server, system), added));
    background('Service allocations', hooks.run(stop.signal));
    const transport = namedTransport(new InProcessTransport(server, system), 'kube-apiserver');
    const create = (resource: GroupVersionResource, object: KubeObject) =>
      server.createOwn({ resource, object, manager: 'kube-apiserver' });
    await ensureBootstrapObjects({ view: security.view, create, transport }, aggregator.builtinServices());
    await ensureAuthenticationConfig(transport, { clientCA: pki.ca.certPem, requestHeader: access.requestHeader });
    await writeKubeconfig(config, pki, addresses[0]!);
    const ofControllers = new ControllersMetrics(() => clock.monotonic());
    metrics.add(ofControllers.families);
    const loops = await opened.prepareControlLoops({ ...config, ...pki, clock, metrics: ofControllers, transport });
    ready.resolve(server);
    handle = (request) => server.handle(request);
    // Who waits for the server is told first.
    background(
      'controllers',
      nextTurn().then(() => (stop.signal.aborted ? undefined : loops(stop.signal))),
    );
    const own = { server, transport, address: addresses[0]!, clock, onError };
    background('own objects', keepOwnObjects(own, stop.signal));
    const told = (error: unknown) => onError(error, 'authorization');
    if (access.authorization) {
      background('authorization', access.authorization.watch(stop.signal, { clock, onError: told }));
    }
    if (page) background('page', page.run(stop.signal));
    background('aggregation', aggregator.run(transport, stop.signal));
    if (opened.encryption) background('encryption', opened.encryption.run(stop.signal));
    const renewed = async (next: Pki) => {
      pki = next;
      for (const { listener } of listeners) listener.renew({ cert: pki.server.certPem, key: pki.server.keyPem });
      await writeKubeconfig(config, pki, addresses[0]!);
    };
    background('certificates', renewCertificates(config, { pki, files, renewed, signal: stop.signal }));
    return {
      addresses,
      pki,
      failed,
      transport: (user) => new InProcessTransport(server, user),
      async close() {
        await close({ isDrained: true });
        await storage.close();
      },
    };
  } catch (error) {
    ready.reject(error);
    await close();
    throw error;
  }
}

function historyLost(error: HistoryLostError): Failure {
  const what = `${error.message}: an older state was put back while this server ran`;
  return new Failure(`${what}. It ends, since what it knows is of another history; start it again`, { cause: error });
}

async function writeKubeconfig(
  { kubeconfigOut: path, clusterName = 'portico' }: ServerConfig,
  pki: Pki,
  address: HostPort,
): Promise<void> {
  if (path === undefined) return;
  const text = kubeconfigText({
    clusterName,
    server: urlOf(address),
    caPem: pki.ca.certPem,
    credentials: pki.admin,
  });
  try {
    await realFiles.write(path, text, { mode: 0o600 });
  } catch (error) {
    throw new Failure(`cannot write the kubeconfig ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
