// Ends of connections that no policy tells apart, before or after a change.
import { contains, formatCIDR } from '../../net/cidr.ts';
import { familyOf, formatIP, parseIP } from '../../net/ip.ts';
import { isPeer } from '../../networkpolicy/denied-by.ts';
import type { Direction, Isolation, PolicyPlan } from '../../networkpolicy/plan.ts';
import { someClient } from '../trace/sender.ts';
import { type End, outside } from './reach-ends.ts';

/** Of the pods of all nodes. */
export interface Plans {
  readonly old: PolicyPlan;
  readonly now: PolicyPlan;
}

export interface EndClass {
  readonly id: number;
  /** One at least. */
  readonly ends: readonly End[];
}

export function isolationsOf({ old, now }: Plans, direction: Direction): Set<Isolation> {
  return new Set([...old[direction].values(), ...now[direction].values()]);
}

const peersOf = (plans: Plans) =>
  (['ingress', 'egress'] as const).flatMap((direction) =>
    [...isolationsOf(plans, direction)].flatMap(({ allows }) => allows.flatMap(({ peers }) => peers ?? [])),
  );

/** By member. */
export function classesOf(plans: Plans, ends: Iterable<End>): Map<string, EndClass> {
  const peers = peersOf(plans);
  const { old, now } = plans;
  const keyOf = ({ addresses, isOnHost, node }: End) =>
    JSON.stringify([
      isOnHost ? node : undefined,
      addresses.map((ip) => [
        familyOf(ip),
        [old.ingress, old.egress, now.ingress, now.egress].map((isolated) => isolated.get(ip)?.id),
        peers.map((set) => (isPeer(set, ip) ? 1 : 0)).join(''),
      ]),
    ]);
  const groups = Map.groupBy(ends, (end) => `${end.name === outside} ${keyOf(end)}`);
  const classes = [...groups.values()].map((group, id): EndClass => ({ id, ends: group }));
  return new Map(classes.flatMap((one) => one.ends.map(({ member }) => [member, one] as const)));
}

const anywhere = 'addresses that no policy names';

/** Who stands for clients and servers outside: one that nobody names, and the first of each block and exception that holds no pod. */
export function outsiders(plans: Plans, pods: readonly string[]): End[] {
  const inside = pods.flatMap((text) => parseIP(text) ?? []);
  const blocks = peersOf(plans).flatMap(({ blocks }) => blocks.flatMap(({ cidr, except }) => [cidr, ...except]));
  const named = new Map(
    blocks
      .filter((block) => !inside.some((ip) => contains(block, ip)))
      .map((block) => [formatCIDR(block), formatIP({ family: block.family, value: block.base })]),
  );
  const ends = [
    [anywhere, Object.values(someClient)] as const,
    ...[...named].map(([text, ip]) => [text, [ip]] as const),
  ];
  return ends.map(([member, addresses]) => ({ member, name: outside, addresses, node: undefined, isOnHost: false }));
}
