// The hooks around a Service's writes: order and texts of service-semantics 1.1, 1.4, 1.5 and 1.7.
import { clusterIPNone, needsClusterIP, nodePortsOf } from '../../../api/core/v1/service/facts.ts';
import type { Service } from '../../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { invalid } from '../../../apimachinery/status.ts';
import { type CIDR, parseCIDR } from '../../../net/cidr.ts';
import { bitsOf, type IPFamily } from '../../../net/ip.ts';
import type { Storage } from '../../../storage/storage.ts';
import type { Clock } from '../../../system/clock.ts';
import type { Random } from '../../../system/random.ts';
import { type Companions, type HookContext, noCompanions, type RegistryHooks } from '../hooks.ts';
import { AllocationView, type PortRange } from './allocation-view.ts';
import { carryOverAllocations, normalizeClusterIPs } from './carry-over.ts';
import { Claims } from './claims.ts';
import { DefaultObjects } from './default-objects.ts';
import { initFamilies } from './ip-families.ts';
import { endpointsPrefix } from './keys.ts';
import { takeNodePorts, updateHealthCheckNodePort, updateNodePorts } from './node-ports.ts';
import { Repair } from './repair.ts';

export interface ServiceHooksOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  /** One range, or one of each family; the first one's family is the default. As `--service-cluster-ip-range`. */
  readonly serviceCIDRs: readonly string[];
  /** Both inclusive; default 30000–32767. */
  readonly nodePortRange?: PortRange;
  /** Where clients in the cluster reach this API server: the endpoint of the Service `default/kubernetes`. */
  readonly advertise?: { readonly address: string; readonly port: number };
}

const defaultNodePorts: PortRange = { first: 30_000, last: 32_767 };

export class ServiceHooks implements RegistryHooks<Service> {
  readonly #options: ServiceHooksOptions;
  readonly #view: AllocationView;
  readonly #defaults: DefaultObjects;
  readonly #families: readonly IPFamily[];
  readonly #repair: Repair;
  readonly #nodePorts: PortRange;

  /** Throws where the ranges are no blocks, or two of one family. */
  constructor(options: ServiceHooksOptions) {
    const { storage, random, nodePortRange = defaultNodePorts } = options;
    const cidrs = parseServiceCIDRs(options.serviceCIDRs);
    this.#options = options;
    this.#nodePorts = nodePortRange;
    this.#families = cidrs.map(({ family }) => family);
    this.#view = new AllocationView({ storage, random, defaultCIDRs: cidrs, nodePorts: nodePortRange });
    this.#repair = new Repair({ storage, clock: options.clock, random, view: this.#view, nodePorts: nodePortRange });
    this.#defaults = new DefaultObjects({ ...options, cidrs, hooks: this });
  }

  /** Writes the cluster's own objects, where they are missing: called once before the server answers. */
  async prepare(): Promise<void> {
    await this.#defaults.ensure();
  }

  /** Keeps the view of allocations, the allocations and the cluster's own objects until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#view.run(signal), this.#defaults.run(signal), this.#repair.run(signal)]);
  }

  /** Compares all Services with their allocations and mends what differs: what `run` does every three minutes. */
  async repair(): Promise<void> {
    await this.#repair.pass();
  }

  /** The hooks of IPAddresses: one that is deleted while its Service has it comes back. */
  get addressHooks(): RegistryHooks<KubeObject> {
    return {
      beginDelete: async (_address, { dryRun }) => {
        if (!dryRun) this.#repair.wake();
        return noCompanions;
      },
    };
  }

  #claims(service: Service, { dryRun }: HookContext): Claims {
    const { storage, clock, random } = this.#options;
    return new Claims({ storage, clock, random, view: this.#view, nodePorts: this.#nodePorts, service, dryRun });
  }

  async beginCreate(service: Service, context: HookContext): Promise<Companions> {
    await this.#view.load();
    normalizeClusterIPs(service);
    this.#initFamilies(service);
    const claims = this.#claims(service, context);
    await takeClusterIPs(service, claims);
    await takeNodePorts(service, claims);
    await updateHealthCheckNodePort(service, undefined, claims);
    return claims;
  }

  async beginUpdate(service: Service, old: Service, context: HookContext): Promise<Companions> {
    await this.#view.load();
    carryOverAllocations(service, old);
    normalizeClusterIPs(service, old);
    this.#initFamilies(service, old);
    const claims = this.#claims(service, context);
    await updateClusterIPs(service, old, claims);
    await updateNodePorts(service, old, claims);
    await updateHealthCheckNodePort(service, old, claims);
    return claims;
  }

  async beginDelete(service: Service, context: HookContext): Promise<Companions> {
    const claims = this.#claims(service, context);
    const { metadata, spec } = service;
    await Promise.all([
      ...allocatedIPs(service).map((ip) => claims.releaseIP(ip)),
      ...[...nodePortsOf(service)].map((port) => claims.releaseNodePort(port)),
      ...(spec.healthCheckNodePort ? [claims.releaseNodePort(spec.healthCheckNodePort)] : []),
      claims.remove(`${endpointsPrefix}${metadata.namespace}/${metadata.name}`),
    ]);
    return claims;
  }

  #initFamilies(service: Service, old?: Service): void {
    const errors = initFamilies(service, old, this.#families);
    if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', errors);
  }
}

/** The ranges of `--service-cluster-ip-range`. Throws with a text for the user. */
function parseServiceCIDRs(texts: readonly string[]): readonly CIDR[] {
  const cidrs = texts.map((text) => {
    const cidr = parseCIDR(text.trim());
    if (!cidr) throw new Error(`${JSON.stringify(text)} is no range of addresses, as 10.96.0.0/16 is`);
    if (cidr.prefixLength > bitsOf(cidr.family) - 2) {
      throw new Error(
        `the range ${text} is too small: the Service kubernetes has the first address of it; take a larger one`,
      );
    }
    if (cidr.family === 'IPv6' && cidr.prefixLength < 64) {
      throw new Error(`the IPv6 range ${text} is too large: at most a /64 can be used for Services`);
    }
    return cidr;
  });
  if (cidrs.length === 0 || cidrs.length > 2 || cidrs[0]?.family === cidrs[1]?.family) {
    throw new Error('Services need one range of addresses, or one of each IP family');
  }
  return cidrs;
}

function allocatedIPs({ spec }: Service): string[] {
  return (spec.clusterIPs ?? []).filter((ip) => ip !== '' && ip !== clusterIPNone);
}

async function takeClusterIPs(service: Service, claims: Claims): Promise<void> {
  const { spec } = service;
  if (!needsClusterIP(service) || spec.clusterIP === clusterIPNone) return;
  const families = (spec.ipFamilies ?? []) as IPFamily[];
  const wanted = families.map((_, i) => spec.clusterIPs?.[i] ?? '');
  // An error names the list with an empty text where an address is to be found.
  spec.clusterIPs = wanted;
  const taken: string[] = [];
  for (const [i, family] of families.entries()) {
    const ip = wanted[i]!;
    if (ip === '') taken.push(claims.takeAnyIP(family));
    else {
      await claims.takeIP(ip);
      taken.push(ip);
    }
  }
  spec.clusterIPs = taken;
  spec.clusterIP = taken[0]!;
}

async function updateClusterIPs(service: Service, old: Service, claims: Claims): Promise<void> {
  const { spec } = service;
  if (old.spec.type === 'ExternalName') {
    if (spec.type !== 'ExternalName') await takeClusterIPs(service, claims);
    return;
  }
  if (spec.type === 'ExternalName') {
    for (const ip of allocatedIPs(old)) await claims.releaseIP(ip);
    return;
  }
  if (old.spec.clusterIPs?.[0] === clusterIPNone) return;
  const before = old.spec.ipFamilies?.length ?? 0;
  const now = spec.ipFamilies?.length ?? 0;
  if (before === 1 && now === 2) {
    const [first = '', second = ''] = spec.clusterIPs ?? [];
    if (second !== '') await claims.takeIP(second);
    spec.clusterIPs = [first, second || claims.takeAnyIP(spec.ipFamilies![1] as IPFamily)];
  } else if (before === 2 && now === 1) {
    const released = old.spec.clusterIPs?.[1];
    if (released) await claims.releaseIP(released);
    if (spec.clusterIPs) spec.clusterIPs = spec.clusterIPs.slice(0, 1);
  }
}
