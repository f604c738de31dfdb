// The keys and certificates of a control plane: where they are kept, whom they name, and when they are renewed.

import { X509Certificate } from 'node:crypto';
import { loadOrCreatePki, type Pki } from '../apiserver/pki/pki.ts';
import { addressAt, parseCIDR } from '../net/cidr.ts';
import { formatIP } from '../net/ip.ts';
import type { Storage } from '../storage/storage.ts';
import type { Clock } from '../system/clock.ts';
import type { Files } from '../system/files.ts';
import { realClock } from '../system/real/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import type { ServerConfig } from './server-config.ts';
import { forgetfulFiles, withSharedKeys } from './shared-keys.ts';

/** As much of a server's configuration as its keys follow from. */
export type KeysConfig = Pick<
  ServerConfig,
  'dataDir' | 'listen' | 'advertise' | 'serviceClusterIPRanges' | 'clusterDomain' | 'datastore' | 'onError'
>;

/** The cluster's keys, and the files in which they are looked at again. */
export async function openKeys(
  config: KeysConfig,
  storage: Storage,
): Promise<{ readonly pki: Pki; readonly files: Files }> {
  if (config.datastore) {
    const { loaded, files } = await withSharedKeys(storage, (shared) => openPki(config, shared));
    return { pki: loaded, files };
  }
  const files = config.dataDir === undefined ? forgetfulFiles() : realFiles;
  return { pki: await openPki(config, files), files };
}

async function openPki(config: KeysConfig, files: Files, clock: Clock = realClock): Promise<Pki> {
  const { dataDir, listen, advertise, serviceClusterIPRanges, clusterDomain, datastore, onError } = config;
  const hosts = listen.map(({ host }) => host).filter((host) => host !== '0.0.0.0' && host !== '::');
  // The address of the Service `kubernetes`: the first of each range.
  const services = serviceClusterIPRanges.map(parseCIDR).filter((cidr) => cidr !== undefined);
  const serviceIPs = services.map((cidr) => formatIP(addressAt(cidr, 1n)));
  const pki = await loadOrCreatePki({
    // In etcd the files have the same names, wherever a server has its data.
    dataDir: datastore ? '/' : (dataDir ?? '/'),
    sans: [...new Set([...hosts, ...advertise, ...serviceIPs, ...ownNames(clusterDomain)])],
    clock,
    random: realRandom,
    files,
  });
  const begin = new X509Certificate(pki.ca.certPem).validFromDate;
  const now = new Date(clock.now());
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
  readonly clock?: Clock;
  /** Told of all keys when one of the certificates is another. */
  readonly renewed: (pki: Pki) => Promise<void> | void;
  readonly signal: AbortSignal;
}

/** Renews the certificates of a server while it runs: its own, and those that it shows as a client. */
export async function renewCertificates(
  config: KeysConfig,
  { pki, files, clock = realClock, renewed, signal }: RenewOptions,
): Promise<void> {
  let present = certificatesOf(pki);
  while (!signal.aborted) {
    await clock.sleep(certificatePeriod, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const next = await openPki(config, files, clock);
      if (certificatesOf(next) === present) continue;
      await renewed(next);
      present = certificatesOf(next);
    } catch (error) {
      config.onError(error, 'renewing the certificates');
    }
  }
}

/** All that are renewed, as one text. */
function certificatesOf({ server, admin, frontProxy }: Pki): string {
  return [server, admin, frontProxy.client].map(({ certPem }) => certPem).join('');
}
