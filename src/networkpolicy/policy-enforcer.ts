// The shell: watches policies, and while there are any the pods and namespaces they select; keeps the kernel's tables as they say.
import type { Namespace, Pod } from '../api/core/v1/types.generated.ts';
import type { NetworkPolicy } from '../api/networking/v1/types.generated.ts';
import { errorMessage } from '../apimachinery/error-message.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { createInformers } from '../client/informers.ts';
import { onlyNews, reportOnce } from '../client/report-once.ts';
import { namespaces, networkPolicies, pods } from '../client/resources.ts';
import type { Client, Informer, Informers } from '../client/types.ts';
import { renderRemoval, renderTransaction } from '../nftables/render.ts';
import type { Table } from '../nftables/ruleset.ts';
import { isDeletionOf, tableMonitor } from '../nftables/table-monitor.ts';
import { diff } from '../nftables/transaction.ts';
import type { Clock } from '../system/clock.ts';
import type { Exec } from '../system/exec.ts';
import type { Follow } from '../system/follow.ts';
import type { Random } from '../system/random.ts';
import { Wakeup } from '../system/wakeup.ts';
import { planPolicies } from './plan.ts';
import { policyTable, tableName } from './render.ts';

export interface PolicyEnforcerOptions {
  readonly client: Client;
  /** The node's own; policies are watched over them. */
  readonly informers: Informers;
  readonly exec: Exec;
  /** Tells when somebody removes a table; without it that shows only at the next {@link resync}. */
  readonly follow?: Follow;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeName: string;
  readonly log: (message: string) => void;
}

/**
 * Changes that come together are applied together, after this many milliseconds; where working them out takes longer (0.4 s
 * with 5,000 pods), after as long again, so that half of the time is left for others.
 */
const settle = 20;
const retry = 1000;
/** All of it is written anew in this time, however much changes meanwhile: whoever changed the tables by hand loses. */
const resync = 60_000;

const families = ['IPv4', 'IPv6'] as const;
const kernelFamilies = ['ip', 'ip6'] as const;

interface Peers {
  readonly pods: Informer<Pod>;
  readonly namespaces: Informer<Namespace>;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class PolicyEnforcer {
  readonly #options: PolicyEnforcerOptions;
  readonly #policies: Informer<NetworkPolicy>;
  #peers: Peers | undefined;
  /** What the kernel holds, by family; undefined when nobody knows. */
  #written: readonly (Table | undefined)[] | undefined;
  /** When all of it was written (milliseconds, as the clock's `monotonic`). */
  #wholeAt = 0;
  readonly #wakeup = new Wakeup();

  constructor(options: PolicyEnforcerOptions) {
    this.#options = options;
    this.#policies = options.informers.informer<NetworkPolicy>(networkPolicies);
  }

  /** Runs until the signal aborts; the tables stay, and go on protecting. What fails is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const say = onlyNews(log, clock);
    const wake = () => this.#wakeup.wake();
    this.#policies.addHandler({ added: wake, updated: wake, deleted: wake });
    await this.#policies.synced(signal);
    try {
      while (!signal.aborted) {
        this.#wakeup.forget();
        let pause = resync;
        const start = clock.monotonic();
        // What the tables hold is not asked: writing them again as one step costs no packet anything.
        if (start - this.#wholeAt >= resync && this.#written?.some((table) => table)) this.#written = undefined;
        try {
          await this.#sync(signal);
        } catch (error) {
          if (signal.aborted) break;
          pause = retry;
          say('sync', errorMessage(error));
        }
        const took = clock.monotonic() - start;
        await this.#wakeup.wait(signal, { clock, ms: pause });
        await clock.sleep(Math.max(settle, took), signal).catch(() => {});
      }
    } finally {
      await this.#forgetPeers();
    }
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const policies = this.#policies.lister.list();
    if (policies.length === 0) {
      await this.#forgetPeers();
      await this.#apply([undefined, undefined]);
      return;
    }
    const peers = this.#peersOf(signal);
    await Promise.all([peers.pods.synced(signal), peers.namespaces.synced(signal)]);
    const objects = { pods: peers.pods.lister.list(), namespaces: peers.namespaces.lister.list(), policies };
    const plan = planPolicies(objects, this.#options.nodeName);
    await this.#apply(families.map((family) => policyTable(plan, family)));
  }

  /** Watches of their own: a node without policies need not know the cluster's pods. */
  #peersOf(signal: AbortSignal): Peers {
    if (this.#peers) return this.#peers;
    const { client, clock, random, log, follow } = this.#options;
    const informers = createInformers(client, {
      clock,
      random,
      maxRetryDelay: 1000,
      keep: essence,
      onError: reportOnce(log, clock),
    });
    const stop = new AbortController();
    const until = AbortSignal.any([signal, stop.signal]);
    const allPods = informers.informer<Pod>(pods);
    const allNamespaces = informers.informer<Namespace>(namespaces);
    const wake = () => this.#wakeup.wake();
    allPods.addHandler({
      added: wake,
      updated: (pod, old) => (says(pod) === says(old) ? undefined : wake()),
      deleted: wake,
    });
    allNamespaces.addHandler({ added: wake, updated: wake, deleted: wake });
    const done = Promise.all([informers.run(until), follow && this.#followTables(follow, until)]).then(() => {});
    this.#peers = { pods: allPods, namespaces: allNamespaces, stop, done };
    return this.#peers;
  }

  async #forgetPeers(): Promise<void> {
    this.#peers?.stop.abort();
    await this.#peers?.done;
    this.#peers = undefined;
  }

  async #apply(desired: readonly (Table | undefined)[]): Promise<void> {
    const written = this.#written;
    const script = kernelFamilies.map((family, i) => {
      const table = desired[i];
      if (!written && !table) return renderRemoval({ family, name: tableName });
      const transaction = diff(written?.[i], table);
      return transaction ? renderTransaction(transaction) : '';
    });
    if (script.every((part) => part === '')) return;
    this.#written = undefined;
    const { code, stderr } = await this.#options.exec.run(['nft', '-f', '-'], { input: script.join('') });
    if (code !== 0) throw new Error(`nft: ${stderr.trim().split('\n').slice(0, 3).join(' | ')}`);
    if (!written) this.#wholeAt = this.#options.clock.monotonic();
    this.#written = desired;
  }

  /** Puts the tables back at once when somebody flushes the ruleset. */
  async #followTables(follow: Follow, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const line of follow.lines(tableMonitor, signal)) {
          if (isDeletionOf(tableName, line)) await this.#check();
        }
      } catch {
        // One of the programs could not be started, or the signal aborted: tables are still written anew from time to time.
      }
      await clock.sleep(retry, signal).catch(() => {});
    }
  }

  /** Replacing a table removes it too: only what is not there then is gone. */
  async #check(): Promise<void> {
    const { stdout } = await this.#options.exec.run(['nft', 'list', 'tables']);
    const listed = new Set(stdout.split('\n'));
    const isGone = this.#written?.some((table) => table && !listed.has(`table ${table.family} ${table.name}`));
    if (!isGone) return;
    this.#written = undefined;
    this.#wakeup.wake();
  }
}

/** What policies ask of a pod or a namespace; the rest need not be kept for every pod of the cluster. */
function essence(object: Readonly<KubeObject>): KubeObject {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid, resourceVersion, labels } = metadata;
  const kept = { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion, labels } } as KubeObject;
  const { spec, status } = object as Readonly<KubeObject> & Partial<Pick<Pod, 'spec' | 'status'>>;
  if (!spec?.containers) return kept;
  const portsOf = ({ name: container, ports, restartPolicy }: Pod['spec']['containers'][number]) => ({
    name: container,
    ports,
    restartPolicy,
  });
  return Object.assign(kept, {
    spec: {
      nodeName: spec.nodeName,
      hostNetwork: spec.hostNetwork,
      containers: spec.containers.map(portsOf),
      initContainers: spec.initContainers?.map(portsOf),
    },
    status: { phase: status?.phase, podIP: status?.podIP, podIPs: status?.podIPs },
  });
}

function says(pod: Readonly<Pod>): string {
  const { metadata, spec, status } = essence(pod as Readonly<Pod & KubeObject>) as unknown as Pod;
  return JSON.stringify([metadata.labels, spec, status]);
}
