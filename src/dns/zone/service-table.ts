// The cluster's Services by name and by ClusterIP, in little space: there may be a hundred thousand.
import type { Service } from '../../api/core/v1/types.generated.ts';
import { MultiMap } from '../multi-map.ts';
import { addressText, type CompactAddress, compactAddress } from './compact-address.ts';
import { dependencyOn } from './dependency.ts';
import { SharedValues } from './shared-values.ts';

export interface PortRecord {
  /** Empty for an unnamed port. */
  readonly name: string;
  /** Lower case. */
  readonly protocol: string;
  /** Absent where a slice leaves it to those who use it (discovery/v1 EndpointPort). */
  readonly port?: number;
}

export interface ServiceRecord {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'cluster-ip' | 'headless' | 'external-name';
  /** The ClusterIPs, primary first. */
  readonly addresses: readonly string[];
  readonly ports: readonly PortRecord[];
  readonly externalName: string;
}

/** What many Services have alike. */
type Traits = Pick<ServiceRecord, 'kind' | 'ports' | 'externalName'>;

interface Stored {
  readonly traits: Traits;
  /** One as most Services have it, or a list. */
  readonly addresses: CompactAddress | readonly CompactAddress[];
}

export class ServiceTable {
  readonly #services = new Map<string, Stored>();
  readonly #keysOfAddress = new MultiMap<CompactAddress>();
  readonly #traits = new SharedValues<Traits>();

  /** Keys are those of dependencyOn.service. */
  get(key: string): ServiceRecord | undefined {
    const stored = this.#services.get(key);
    if (!stored) return undefined;
    const slash = key.indexOf('/');
    const addresses = listOf(stored).map(addressText);
    return { namespace: key.slice(0, slash), name: key.slice(slash + 1), ...stored.traits, addresses };
  }

  ofClusterIP(address: string): ServiceRecord | undefined {
    for (const key of this.#keysOfAddress.get(compactAddress(address))) return this.get(key);
    return undefined;
  }

  set({ metadata, spec }: Readonly<Service>): void {
    const key = dependencyOn.service(metadata.namespace ?? '', metadata.name);
    this.delete(key);
    const { type, clusterIP = '', clusterIPs, externalName = '' } = spec;
    const given = clusterIPs?.length ? clusterIPs : clusterIP === '' ? [] : [clusterIP];
    // One without an address, as manifests have it before an API server gives it one, is not headless.
    const headless = given[0] === 'None';
    const kind = type === 'ExternalName' ? 'external-name' : headless ? 'headless' : 'cluster-ip';
    const addresses = (kind === 'cluster-ip' ? given : []).map(compactAddress);
    const traits = this.#traits.of({
      kind,
      ports: (spec.ports ?? []).map(portRecord),
      externalName: kind === 'external-name' ? externalName : '',
    });
    const [only] = addresses;
    this.#services.set(key, { traits, addresses: addresses.length === 1 && only !== undefined ? only : addresses });
    for (const address of addresses) this.#keysOfAddress.add(address, key);
  }

  delete(key: string): void {
    const stored = this.#services.get(key);
    if (!stored) return;
    for (const address of listOf(stored)) this.#keysOfAddress.remove(address, key);
    this.#services.delete(key);
  }
}

function listOf({ addresses }: Stored): readonly CompactAddress[] {
  return typeof addresses === 'object' ? addresses : [addresses];
}

/** A port of a Service or of a slice. */
export function portRecord(port: {
  readonly name?: string;
  readonly protocol?: string;
  readonly port?: number;
}): PortRecord {
  const { name = '', protocol = 'TCP', port: number } = port;
  return { name, protocol: protocol.toLowerCase(), ...(number != null && { port: number }) };
}
