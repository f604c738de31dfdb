// kube-proxy whole: the loop with the backend of its mode, and what else belongs to a change of Services.
import { errorMessage } from '../apimachinery/error-message.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informers } from '../client/types.ts';
import type { IPFamily } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Follow } from '../system/follow.ts';
import type { Backend } from './backend.ts';
import { cleanup } from './cleanup.ts';
import { UdpCleanup } from './conntrack/udp-cleanup.ts';
import { HealthServers } from './healthcheck/health-servers.ts';
import { programmingTimes } from './healthcheck/programming.ts';
import { interfaceAddresses } from './interface-addresses.ts';
import { countedPackets, kernelFacts } from './iptables/kernel-facts.ts';
import { detectVariant, type IptablesVariant, withVariant } from './iptables/variant.ts';
import { Proxier, type SyncedChange } from './proxier.ts';
import { allowsLocalhostNodePorts, type ProxySettings } from './settings.ts';
import { nodeReference, startEvents } from './start-events.ts';

export interface KubeProxyOptions {
  readonly settings: ProxySettings;
  readonly nodeName: string;
  readonly informers: Informers;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly follow?: Follow;
  readonly families?: readonly IPFamily[];
  /** See {@link Proxier}: `shared` for a process that watches all Services and slices anyway. */
  readonly watches?: 'own' | 'shared';
  /** See {@link Proxier}. */
  readonly followServiceCIDRs?: boolean;
  /** `address:port` of /healthz and /livez; none when absent. Upstream's default is 0.0.0.0:10256. */
  readonly healthzAddress?: string | undefined;
  /** `address:port` of /metrics and /proxyMode; none when absent. Upstream's default is 127.0.0.1:10249. */
  readonly metricsAddress?: string | undefined;
  /** Whether an address of these that is taken ends `run` with an Error. */
  readonly bindAddressHardFail?: boolean;
  /** Tells of what is wrong with the mode, or with Services on this node. */
  readonly recorder?: EventRecorder | undefined;
  readonly log?: (message: string) => void;
}

/** Which iptables a mode with iptables rules uses. */
async function variantOf({ settings, exec }: KubeProxyOptions): Promise<IptablesVariant | undefined> {
  if (settings.mode === 'nftables') return undefined;
  return settings.iptablesVariant ?? (await detectVariant(exec));
}

/** Loads only what the mode needs. */
async function backendOf(options: KubeProxyOptions, variant: IptablesVariant | undefined): Promise<Backend> {
  const { clock, follow } = options;
  const exec = withVariant(options.exec, variant);
  switch (options.settings.mode) {
    case 'nftables':
      return new (await import('./nftables/backend.ts')).NftablesBackend({ exec, clock, follow });
    case 'iptables': {
      const kernel = await kernelFacts(exec);
      return new (await import('./iptables/backend.ts')).IptablesBackend({ exec, clock, follow, kernel });
    }
    case 'ipvs':
      return (await import('./ipvs/backend.ts')).IpvsBackend.open({
        exec,
        clock,
        follow,
        settings: options.settings.ipvs,
      });
  }
}

/**
 * The kernel translates 127.0.0.1 only with this switch (service-semantics 3.4). The rules must be there first: they drop
 * what the kernel then lets in.
 */
export async function allowLocalhostNodePorts({
  exec,
  settings,
  log,
}: Pick<KubeProxyOptions, 'exec' | 'settings' | 'log'>): Promise<void> {
  if (settings.mode === 'ipvs' || !allowsLocalhostNodePorts(settings)) return;
  const { code, stderr } = await exec.run(['sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1']);
  if (code !== 0) log?.(`node ports on 127.0.0.1 will not work: ${stderr.trim()}`);
}

export class KubeProxy {
  readonly #options: KubeProxyOptions;

  constructor(options: KubeProxyOptions) {
    this.#options = options;
  }

  /** Runs until the signal aborts, and leaves the rules as they are then: connections outlive a restart. */
  async run(signal: AbortSignal): Promise<void> {
    const { settings, exec, clock, nodeName, recorder, log } = this.#options;
    const variant = await variantOf(this.#options);
    const backend = await backendOf(this.#options, variant);
    const since = clock.now();
    let first = true;
    const onSynced = async (change: SyncedChange) => {
      if (first) {
        first = false;
        await allowLocalhostNodePorts(this.#options);
        // What another mode left and cannot be taken away keeps nothing else from its turn.
        const left = cleanup(exec, { except: settings.mode, variant, ipvs: settings.ipvs });
        await left.catch((error: unknown) => log?.(errorMessage(error)));
      }
      health.update();
      health.metrics.synced(change);
      const times = programmingTimes(change.slices, { since, now: clock.now() });
      for (const { family, seconds } of times) health.metrics.programmed(family, seconds);
      await flows.synced(change.ports);
    };
    const proxier = new Proxier({
      ...this.#options,
      backend,
      interfaceAddresses: () => interfaceAddresses(exec),
      onSynced,
    });
    const health = new HealthServers({
      ...this.#options,
      proxier,
      ...(settings.mode === 'iptables' && { countedPackets: () => countedPackets(exec) }),
    });
    const flows = new UdpCleanup({
      exec,
      clock,
      plans: () => proxier.plans(),
      onReconciled: (family, result) => health.metrics.reconciled(family, result),
    });
    for (const event of startEvents(settings.mode)) recorder?.event(nodeReference(nodeName), event);
    await Promise.all([proxier.run(signal), health.run(signal)]).finally(() => flows.stop());
  }
}
