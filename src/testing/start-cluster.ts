// A whole control plane with hollow nodes in the caller's process: memory for storage, a free port of 127.0.0.1.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNodeReady } from '../api/core/v1/node/facts.ts';
import type { Node } from '../api/core/v1/types.generated.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { kubeconfigText } from '../apiserver/pki/kubeconfig.ts';
import { porticoVersion } from '../cli/version.ts';
import { createClient } from '../client/rest-client.ts';
import type { Transport } from '../client/types.ts';
import { startControlPlane } from '../cluster/server.ts';
import type { ControlPlane } from '../cluster/server-config.ts';
import { urlOf } from '../cluster/server-listeners.ts';
import { realClock } from '../system/real/clock.ts';
import { applyManifests, type Manifest } from './apply.ts';
import { ClusterClock, type TestClock } from './cluster-clock.ts';
import './parts.ts';
import { requireNode } from './require-node.ts';
import { nodes, type ResourceOf, serviceAccounts, type TypedClient } from './resources.ts';
import { makeScratchFolder, removeScratchFolder } from './scratch-folder.ts';
import { type ObjectName, waitFor } from './wait-for.ts';

export interface StartClusterOptions {
  /** Nodes whose kubelet is played: `hollow-1`, `hollow-2`, …. Default 1; 0 leaves pods unscheduled. */
  readonly nodes?: number;
  /** `manual`: time stands still but for {@link TestClock.advance}. Default `running`: it passes, and can be moved too. */
  readonly time?: 'running' | 'manual';
  /** As kube-controller-manager's `--controllers`: names, `*`, `-name`. Default all. */
  readonly controllers?: readonly string[];
  /** Told of failures inside the cluster, which tries again. Default: nobody is. */
  readonly onError?: (error: unknown, what: string) => void;
}

export interface TestCluster extends AsyncDisposable {
  /** `https://127.0.0.1:PORT`. */
  readonly url: string;
  /** A kubeconfig of a member of system:masters, as YAML. */
  readonly kubeconfig: string;
  /** The file that holds it, for kubectl and for programs in other languages; gone after {@link stop}. */
  readonly kubeconfigPath: string;
  /** The same rights without a socket between. */
  readonly client: TypedClient;
  readonly clock: TestClock;
  /**
   * Applies manifests (YAML or JSON documents, or objects) server-side, in their order; those without a namespace go to
   * `default`. Custom resource definitions are served when it resolves. Rejects with the API server's StatusError.
   */
  apply(manifests: string | Manifest | readonly Manifest[]): Promise<KubeObject[]>;
  /**
   * Resolves with an object once `condition` is true of it; it is asked of undefined while there is none. Rejects after
   * `timeout` milliseconds (of the machine's time; default 30,000) with what was last seen.
   */
  waitFor<T extends KubeObject>(
    resource: ResourceOf<T>,
    name: ObjectName,
    condition: (object: T | undefined) => boolean,
    options?: { readonly timeout?: number },
  ): Promise<T | undefined>;
  /** Resolves once the cluster has nothing to do but to wait for time or for a client: all that follows has followed. */
  settled(): Promise<void>;
  /**
   * Ends it. Nothing is left: no socket, no timer, no file. Later calls do nothing; what {@link client} and {@link waitFor} were
   * asked for rejects.
   */
  stop(): Promise<void>;
}

const quiet = () => {};

/** Whose requests, watches too, end when `signal` aborts. */
function endedBy(signal: AbortSignal, transport: Transport): Transport {
  return {
    request: (raw) =>
      transport.request({ ...raw, signal: raw.signal ? AbortSignal.any([raw.signal, signal]) : signal }),
  };
}

/** Starts a cluster of its own; as many as are wanted may run at once. Rejects with a RangeError for `nodes` that is no count. */
export async function startCluster(options: StartClusterOptions = {}): Promise<TestCluster> {
  requireNode();
  const clock = new ClusterClock({ real: realClock, stands: options.time === 'manual' });
  const onError = options.onError ?? quiet;
  const count = options.nodes ?? 1;
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`startCluster: nodes: ${count} is no count: use a whole number, 0 or more`);
  }
  const folder = makeScratchFolder();
  const plane = await startControlPlane({
    listen: [{ host: '127.0.0.1', port: 0 }],
    advertise: [],
    serviceClusterIPRanges: ['10.96.0.0/16', 'fd00:96::/112'],
    serviceNodePortRange: { from: 30_000, to: 32_767 },
    clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
    controllers: options.controllers ?? ['*'],
    hollowNodes: count,
    keepsHistory: false,
    clock,
    version: porticoVersion(),
    onError,
  }).catch((error: unknown) => {
    removeScratchFolder(folder);
    throw error;
  });
  const cluster = new RunningCluster({ plane, clock, folder });
  try {
    await cluster.ready(options.controllers ?? ['*'], count);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

interface Parts {
  readonly plane: ControlPlane;
  readonly clock: ClusterClock;
  /** Removed at the end. */
  readonly folder: string;
}

class RunningCluster implements TestCluster {
  readonly url: string;
  readonly kubeconfig: string;
  readonly kubeconfigPath: string;
  readonly client: TypedClient;
  readonly clock: ClusterClock;
  readonly #plane: ControlPlane;
  readonly #folder: string;
  readonly #end = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor({ plane, clock, folder }: Parts) {
    const { ca, admin } = plane.pki;
    this.url = urlOf(plane.addresses[0]!);
    this.kubeconfig = kubeconfigText({
      clusterName: 'portico',
      server: this.url,
      caPem: ca.certPem,
      credentials: admin,
    });
    this.kubeconfigPath = join(folder, 'kubeconfig');
    const user = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };
    this.client = createClient(endedBy(this.#end.signal, plane.transport(user)));
    this.clock = clock;
    this.#plane = plane;
    this.#folder = folder;
  }

  /** Resolves when pods can be created and find a node. */
  async ready(controllers: readonly string[], count: number): Promise<void> {
    writeFileSync(this.kubeconfigPath, this.kubeconfig, { mode: 0o600 });
    const runs = (name: string) =>
      controllers.includes(name) || (controllers.includes('*') && !controllers.includes(`-${name}`));
    // A new node is tainted until the node-lifecycle-controller has seen that it is ready.
    const takesPods = (node: Readonly<Node> | undefined) =>
      node !== undefined &&
      isNodeReady(node) &&
      (!runs('node-lifecycle-controller') || (node.spec?.taints ?? []).length === 0);
    await Promise.all([
      ...(runs('serviceaccount-controller')
        ? [this.waitFor(serviceAccounts, 'default', (account) => account !== undefined)]
        : []),
      ...Array.from({ length: count }, (_, i) => this.waitFor(nodes, `hollow-${i + 1}`, takesPods)),
    ]);
  }

  apply(manifests: string | Manifest | readonly Manifest[]): Promise<KubeObject[]> {
    return applyManifests(this.client, manifests);
  }

  waitFor<T extends KubeObject>(
    resource: ResourceOf<T>,
    name: ObjectName,
    condition: (object: T | undefined) => boolean,
    { timeout = 30_000 }: { readonly timeout?: number } = {},
  ): Promise<T | undefined> {
    return waitFor({ client: this.client, resource, name, condition, timeout, clock: realClock });
  }

  settled(): Promise<void> {
    return this.clock.settled();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #close(): Promise<void> {
    this.#end.abort(new Error('the cluster was stopped'));
    await this.#plane.close();
    this.clock.stop();
    removeScratchFolder(this.#folder);
  }
}
