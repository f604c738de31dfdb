// The keys and certificates of a control plane: where they are kept, whom they name, and when they are renewed.

import { X509Certificate } from 'node:crypto';
import type { Listener } from '../apiserver/listener.ts';
import { loadOrCreatePki, type Pki } from '../apiserver/pki/pki.ts';
import { addressAt, parseCIDR } from '../net/cidr.ts';
import { formatIP } from '../net/ip.ts';
import type { Storage } from '../storage/storage.ts';
import type { Files } from '../system/files.ts';
import { realClock } from '../system/real/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import type { ServerConfig } from './server-config.ts';
import { forgetfulFiles, withSharedKeys } from './shared-keys.ts';

/** The cluster's keys, and the files in which they are looked at again. */
export async function openKeys(
  config: ServerConfig,
  storage: Storage,
): Promise<{ readonly pki: Pki; readonly files: Files }> {
  if (config.datastore) {
    const { loaded, files } = await withSharedKeys(storage, (shared) => openPki(config, shared));
    return { pki: loaded, files };
  }
  const files = config.dataDir === undefined ? forgetfulFiles() : realFiles;
  return { pki: await openPki(config, files), files };
}

async function openPki(config: ServerConfig, files: Files): Promise<Pki> {
  const { dataDir, listen, advertise, serviceClusterIPRanges, clusterDomain, datastore, onError } = config;
  const hosts = listen.map(({ host }) => host).filter((host) => host !== '0.0.0.0' && host !== '::');
  // The address of the Service `kubernetes`: the first of each range.
  const services = serviceClusterIPRanges.map(parseCIDR).filter((cidr) => cidr !== undefined);
  const serviceIPs = services.map((cidr) => formatIP(addressAt(cidr, 1n)));
  const pki = await loadOrCreatePki({
    // In etcd the files have the same names, wherever a server has its data.
    dataDir: datastore ? '/' : (dataDir ?? '/'),
    sans: [...new Set([...hosts, ...advertise, ...serviceIPs, ...ownNames(clusterDomain)])],
    clock: realClock,
    random: realRandom,
    files,
  });
  const begin = new X509Certificate(pki.ca.certPem).validFromDate;
  const now = new Date(realClock.now());
  if (begin > now) {
    const times = `they begin at ${begin.toISOString()}, and this machine's clock says ${now.toISOString()}`;
    onError(new Error(`${times}: set the clock, nobody believes them before`), 'certificates');
  }
  return pki;
}

/** The Service `kubernetes` by its whole name, where the domain is not the usual one. */
function ownNames(clusterDomain: string | undefined): string[] {
  return clusterDomain === undefined ? [] : [`kubernetes.default.svc.${clusterDomain}`];
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
export async function renewCertificates(
  config: ServerConfig,
  { pki, files, listeners, signal }: RenewOptions,
): Promise<void> {
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
