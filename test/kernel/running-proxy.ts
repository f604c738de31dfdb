// What the tests of the proxy in the kernel share: a proxy that runs in a namespace.
import type { Node, Service } from '../../src/api/core/v1/types.generated.ts';
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { endpointSlices, nodes, services } from '../../src/client/resources.ts';
import { endpoint, service, settings, slice } from '../../src/proxy/fixtures/objects.ts';
import { KubeProxy } from '../../src/proxy/kube-proxy.ts';
import type { ProxySettings } from '../../src/proxy/settings.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';
import type { TestNamespace } from './netns.ts';

/** Resolves when the condition holds; the kernel's answers are looked at again every few milliseconds until then. */
export async function until(condition: () => boolean, what: string, patience = 300_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${patience} ms: ${what}`);
    await realClock.sleep(10);
  }
}

export interface RunningProxyOptions extends Partial<ProxySettings> {
  readonly api?: FakeApi;
  /** Hears of nothing that others write. */
  readonly deaf?: boolean;
}

export const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-a' },
  spec: {},
  status: { addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] },
};

/** A proxy in a namespace of the node, over an API of its own or one that it is given. */
export class RunningProxy {
  readonly api: FakeApi;
  readonly log: string[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(space: TestNamespace, { api, deaf, ...more }: RunningProxyOptions) {
    this.api = api ?? new FakeApi({ clock: realClock, random: realRandom });
    const informers = createInformers(this.api, { clock: realClock, random: realRandom });
    const proxy = new KubeProxy({
      settings: { ...settings, ...more },
      nodeName: 'node-a',
      informers,
      exec: space.exec,
      ...(!deaf && { follow: space.follow }),
      clock: realClock,
      log: (message) => this.log.push(message),
    });
    this.#done = Promise.all([proxy.run(this.#stop.signal), informers.run(this.#stop.signal)]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  get services() {
    return this.api.resource<Service>(services);
  }

  get slices() {
    return this.api.resource<EndpointSlice>(endpointSlices);
  }

  async fill(): Promise<void> {
    await this.api.resource<Node>(nodes).create(node);
    await this.services.create(service({ name: 'web' }));
    await this.slices.create(slice('web', [endpoint('10.244.1.1', 'node-a')]));
  }
}
