// Who this API server is among those of a store: a Lease in kube-system that it renews, as kube-apiserver does (APIServerIdentity).
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Lease } from '../api/coordination/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { isConflict, isNotFound } from '../apimachinery/status.ts';
import { formatMicroTime } from '../apimachinery/time.ts';
import { leases as leaseResource } from '../client/resources.ts';
import type { Client, ResourceClient } from '../client/types.ts';
import type { Clock } from '../system/clock.ts';
import type { Random } from '../system/random.ts';
import type { HostPort } from './server-config.ts';

type LeaseObject = KubeObject & Lease;

const namespace = 'kube-system';
const identityLabel = 'apiserver.kubernetes.io/identity';
const component = 'kube-apiserver';
const usualPort = 6443;
const renewEveryMs = 10_000;
const leaseSeconds = 3600;
/** Milliseconds between looks for leases of servers that are no more. */
const collectEveryMs = 3_600_000;

export interface ServerIdentityOptions {
  readonly client: Client;
  /** Where the server listens. */
  readonly address: HostPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: (error: unknown) => void;
}

/**
 * The Lease's name: kube-apiserver's of this host. Servers on other ports of it are others, and so their ports are hashed with its
 * name.
 */
export function leaseName(host: string, port: number): string {
  const parts = [port === usualPort ? host : `${host}:${port}`, component];
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(Buffer.from([bytes.length >> 8, bytes.length & 0xff])).update(bytes);
  }
  return `apiserver-${base32(hash.digest().subarray(0, 16))}`;
}

/** RFC 4648, in lower case and without padding. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = bits.match(/.{1,5}/g) ?? [];
  return digits.map((five) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

/** Whether a server's Lease has ended: nobody renews it any more. */
function isExpired({ spec = {} }: Readonly<LeaseObject>, now: number): boolean {
  const { renewTime, leaseDurationSeconds } = spec;
  if (renewTime === undefined || leaseDurationSeconds === undefined) return true;
  return Date.parse(renewTime) + leaseDurationSeconds * 1000 < now;
}

/** Renews the server's Lease, and removes those of servers that are no more, until the signal aborts. */
export async function keepServerIdentity(options: ServerIdentityOptions, signal: AbortSignal): Promise<void> {
  const { client, address, clock, random, onError } = options;
  const leases = client.resource<LeaseObject>(leaseResource);
  const host = hostname();
  const name = leaseName(host, address.port);
  const holderIdentity = `${name}_${random.uuid()}`;
  const labels = { [identityLabel]: component, 'kubernetes.io/hostname': host };
  let nextCollection = clock.monotonic() + collectEveryMs;
  while (!signal.aborted) {
    try {
      await renew(leases, { name, labels, spec: { holderIdentity, leaseDurationSeconds: leaseSeconds } }, clock.now());
      if (clock.monotonic() >= nextCollection) {
        nextCollection = clock.monotonic() + collectEveryMs;
        await collect(leases, clock.now());
      }
    } catch (error) {
      // Tried again with the next renewal.
      if (!signal.aborted) onError(error);
    }
    await clock.sleep(renewEveryMs, signal).catch(() => undefined);
  }
}

interface Identity {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Readonly<NonNullable<Lease['spec']>>;
}

async function renew(
  leases: ResourceClient<LeaseObject>,
  { name, labels, spec }: Identity,
  now: number,
): Promise<void> {
  const renewed = { ...spec, renewTime: formatMicroTime(now) };
  try {
    const present = await leases.get(name, namespace);
    await leases.update({ ...present, spec: { ...present.spec, ...renewed } });
  } catch (error) {
    // Another server of the same name was faster, and the Lease is renewed.
    if (isConflict(error)) return;
    if (!isNotFound(error)) throw error;
    const metadata = { name, namespace, labels: { ...labels } };
    await leases.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: renewed });
  }
}

async function collect(leases: ResourceClient<LeaseObject>, now: number): Promise<void> {
  const { items } = await leases.list({ namespace, labelSelector: `${identityLabel}=${component}` });
  for (const lease of items.filter((one) => isExpired(one, now))) {
    try {
      const { uid, resourceVersion } = lease.metadata;
      const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
      await leases.delete(lease.metadata.name, namespace, { preconditions });
    } catch (error) {
      // Renewed, or removed by another server.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}
