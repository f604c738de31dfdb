// Addresses and ports that an API server will pick: others stand for them in a plan, each for one.
import type { Service, ServiceSpec } from '../../api/core/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { formatIP, parseIP } from '../../net/ip.ts';
import { idOf } from '../object-id.ts';
import type { Placeholder } from './plan.ts';

/** What stands for a Service's own in what an API server answers to a dry run. */
export class Placeholders {
  /** Addresses and node ports that there are, and those that stand for others. */
  readonly #used = new Set<string>();
  readonly #made: Placeholder[] = [];

  constructor(present: readonly KubeObject[]) {
    for (const object of present) {
      if (object.kind !== 'Service') continue;
      const { clusterIPs = [], ports = [], healthCheckNodePort } = (object as Service).spec ?? {};
      for (const ip of clusterIPs) this.#used.add(ip);
      for (const { nodePort } of ports) if (nodePort) this.#used.add(String(nodePort));
      if (healthCheckNodePort) this.#used.add(String(healthCheckNodePort));
    }
  }

  get made(): readonly Placeholder[] {
    return this.#made;
  }

  /** The answer with addresses that nobody has; `asked` is what was there, or said, before the server picked. */
  stand(answer: KubeObject, asked: KubeObject): KubeObject {
    if (answer.kind !== 'Service') return answer;
    const object = idOf(answer);
    const { spec } = answer as Service;
    const before: Partial<ServiceSpec> = (asked as Service).spec ?? {};
    const known = new Set(before.clusterIPs ?? [before.clusterIP]);
    const clusterIPs = spec.clusterIPs?.map((ip) => {
      return ip === 'None' || known.has(ip) ? ip : this.#stand(object, 'spec.clusterIPs', this.#freeAddress(ip));
    });
    const ports = spec.ports?.map((port) => {
      const isKnown = before.ports?.some((one) => one.nodePort === port.nodePort);
      if (!port.nodePort || isKnown) return port;
      return { ...port, nodePort: Number(this.#stand(object, 'spec.ports[].nodePort', this.#freePort(port.nodePort))) };
    });
    const { healthCheckNodePort: check } = spec;
    const isPicked = check && check !== before.healthCheckNodePort;
    const standIn = isPicked && this.#stand(object, 'spec.healthCheckNodePort', this.#freePort(check));
    const changed: ServiceSpec = {
      ...spec,
      ...(clusterIPs?.[0] !== undefined && { clusterIPs, clusterIP: clusterIPs[0] }),
      ...(ports && { ports }),
      ...(standIn && { healthCheckNodePort: Number(standIn) }),
    };
    return { ...answer, spec: changed } as KubeObject;
  }

  #stand(object: string, field: string, value: string): string {
    this.#used.add(value);
    this.#made.push({ object, field, value });
    return value;
  }

  /** The first one above, for the server names the range itself. */
  #freeAddress(from: string): string {
    const ip = parseIP(from);
    if (!ip) return from;
    let { value } = ip;
    do value += 1n;
    while (this.#used.has(formatIP({ ...ip, value })));
    return formatIP({ ...ip, value });
  }

  #freePort(from: number): string {
    let port = from;
    while (this.#used.has(String(port))) port += 1;
    return String(port);
  }
}
