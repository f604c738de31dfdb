// kube-proxy at work on the emulated machine: it runs here, over an API in memory, and its programs run there.
import type { EndpointSlice } from '../../src/api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../src/apimachinery/object.ts';
import { ignoreNotFound } from '../../src/apimachinery/status.ts';
import { FakeApi } from '../../src/client/fake/fake-api.ts';
import { createInformers } from '../../src/client/informers.ts';
import { endpointSlices, nodes, services } from '../../src/client/resources.ts';
import type { ResourceClient } from '../../src/client/types.ts';
import { KubeProxy } from '../../src/proxy/kube-proxy.ts';
import type { ProxySettings } from '../../src/proxy/settings.ts';
import type { Clock } from '../../src/system/clock.ts';
import type { Exec } from '../../src/system/exec.ts';
import { realClock } from '../../src/system/real/clock.ts';
import { realRandom } from '../../src/system/real/random.ts';

/** Looks that are due twice a minute or once are due every ten seconds. */
const longest = 10_000;
const hurriedClock: Clock = {
  now: () => realClock.now(),
  monotonic: () => realClock.monotonic(),
  after: (ms, callback) => realClock.after(Math.min(ms, longest), callback),
  sleep: (ms, signal) => realClock.sleep(Math.min(ms, longest), signal),
};

const resources = { Node: nodes, Service: services, EndpointSlice: endpointSlices } as const;

export class ProxiedNode {
  readonly api = new FakeApi({ clock: realClock, random: realRandom });
  readonly log: string[] = [];
  readonly #exec: Exec;
  #stop = new AbortController();
  #done: Promise<unknown> = Promise.resolve();

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  #resource({ kind }: KubeObject): ResourceClient<KubeObject> {
    return this.api.resource<KubeObject>(resources[kind as keyof typeof resources]);
  }

  /** Makes the objects as told: a test that is tried again finds what its first try left. */
  async put(objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) {
      await this.delete([object]);
      await this.#resource(object).create(object);
    }
  }

  async updateSlice(slice: EndpointSlice): Promise<void> {
    await this.api.resource<EndpointSlice>(endpointSlices).update(slice);
  }

  /** Takes the objects away, those that are there. */
  async delete(objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) {
      const { name, namespace } = object.metadata;
      await this.#resource(object).delete(name, namespace).catch(ignoreNotFound);
    }
  }

  start(mode: ProxySettings['mode'], more: Partial<ProxySettings> = {}): void {
    this.#stop = new AbortController();
    const informers = createInformers(this.api, { clock: realClock, random: realRandom });
    const proxy = new KubeProxy({
      settings: {
        mode,
        clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'],
        serviceCIDRs: ['10.96.0.0/16', 'fd00:96::/112'],
        nodePortAddresses: [],
        ...more,
      },
      nodeName: 'node-a',
      informers,
      exec: this.#exec,
      clock: hurriedClock,
      log: (message) => this.log.push(message),
    });
    this.#done = Promise.all([proxy.run(this.#stop.signal), informers.run(this.#stop.signal)]);
    // A proxy that ends by itself shows when it is stopped, and by the rules that are not there.
    this.#done.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Output of a program on the node; rejects when it fails. */
  async output(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#exec.run(command);
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** Asks the program until its output is as told; rejects with the last output when it never is. */
  async until(command: readonly string[], expected: (output: string) => boolean, patience = 300_000): Promise<void> {
    const deadline = Date.now() + patience;
    for (;;) {
      const { stdout } = await this.#exec.run(command);
      if (expected(stdout)) return;
      if (Date.now() > deadline) {
        throw new Error(`${command.join(' ')} stayed at:\n${stdout}\nlog: ${this.log.join('\n')}`);
      }
      await realClock.sleep(250);
    }
  }
}
