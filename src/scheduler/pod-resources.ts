// What a pod asks of a node.
import type { Container, Pod } from '../api/core/v1/types.generated.ts';
import { parseQuantity, quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts';

/** Amounts by resource name: CPU in thousandths, all else in whole units (bytes). */
export type Amounts = Readonly<Record<string, number>>;

export function amountsOf(list: Readonly<Record<string, string>> | undefined): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(list ?? {})) {
    const quantity = parseQuantity(String(text));
    amounts[name] = name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity);
  }
  return amounts;
}

const known = new WeakMap<Readonly<Pod>, Amounts>();

/**
 * The larger of what all containers take together and what an init container takes while it runs, sidecars counted with
 * all that start after them (KEP-753), plus the overhead.
 */
export function podRequests(pod: Readonly<Pod>): Amounts {
  const present = known.get(pod);
  if (present) return present;
  const amounts = compute(pod);
  known.set(pod, amounts);
  return amounts;
}

function compute({ spec }: Readonly<Pod>): Amounts {
  const total: Record<string, number> = {};
  for (const container of spec.containers) add(total, requestsOf(container));
  const sidecars: Record<string, number> = {};
  const initial: Record<string, number> = {};
  for (const container of spec.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === 'Always') {
      add(total, requests);
      add(sidecars, requests);
      raise(initial, sidecars);
    } else {
      const together = { ...sidecars };
      add(together, requests);
      raise(initial, together);
    }
  }
  raise(total, initial);
  if (spec.resources?.requests) Object.assign(total, amountsOf(spec.resources.requests));
  add(total, amountsOf(spec.overhead));
  return total;
}

function requestsOf({ resources }: Container): Record<string, number> {
  return amountsOf({ ...resources?.limits, ...resources?.requests });
}

function add(total: Record<string, number>, more: Amounts): void {
  for (const [name, amount] of Object.entries(more)) total[name] = (total[name] ?? 0) + amount;
}

function raise(total: Record<string, number>, least: Amounts): void {
  for (const [name, amount] of Object.entries(least)) total[name] = Math.max(total[name] ?? 0, amount);
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export function hostPortsOf({ spec }: Readonly<Pod>): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  return [...spec.containers, ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol }) =>
      hostPort ? [{ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port: hostPort }] : [],
    ),
  );
}
