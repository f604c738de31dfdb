// Whom a change of NetworkPolicies, or of what they select, cuts off or lets in: every connection that there may be is asked of
// the plan of policies before and after it. Ends that no policy tells apart are asked for together.
import type { KubeObject } from '../../apimachinery/object.ts';
import { familyOf } from '../../net/ip.ts';
import { deniedBy } from '../../networkpolicy/denied-by.ts';
import type { Isolation, PolicyPlan } from '../../networkpolicy/plan.ts';
import { policyPlan } from '../trace/policies.ts';
import { worldOf } from '../trace/world.ts';
import { classesOf, type EndClass, isolationsOf, outsiders, type Plans } from './reach-classes.ts';
import { type End, outside, outsideTargets, podEnds, type Target, targetsOf } from './reach-ends.ts';
import { type Found, grouped, type ReachChange } from './reach-groups.ts';

/** Of pods and Services that there are before and after it. */
export function compareReach(
  before: readonly KubeObject[],
  after: readonly KubeObject[],
  clusterDomain: string,
): ReachChange[] {
  if (isSame(policyMatters(before), policyMatters(after))) return [];
  const plans: Plans = { old: policyPlan(before) ?? noPolicies, now: policyPlan(after) ?? noPolicies };
  const [oldWorld, world] = [worldOf(before, clusterDomain), worldOf(after, clusterDomain)];
  const oldPods = podEnds(oldWorld);
  const pods = new Map([...podEnds(world)].filter(([key]) => oldPods.has(key)));
  const clients = outsiders(
    plans,
    [...pods.values()].flatMap(({ addresses }) => addresses),
  );
  const targets = [
    ...targetsOf(world, after, pods).filter(({ service }) => service === undefined || oldWorld.services.has(service)),
    ...outsideTargets(clients, isolationsOf(plans, 'egress')),
  ];
  const sources = [...pods.values(), ...clients];
  return grouped(changedBetween(plans, sources, targets), { sources, targets });
}

const noPolicies: PolicyPlan = { ingress: new Map(), egress: new Map() };

const policyMatters = (objects: readonly KubeObject[]) =>
  objects.filter(({ kind }) => kind === 'NetworkPolicy' || kind === 'Pod' || kind === 'Namespace');

/** Objects that are the same in both are the same values. */
const isSame = (a: readonly KubeObject[], b: readonly KubeObject[]): boolean =>
  a.length === b.length && a.every((object, i) => object === b[i]);

function changedBetween(plans: Plans, sources: readonly End[], targets: readonly Target[]): Found[] {
  const places = [...sources, ...targets.map(({ end }) => end)];
  const classes = classesOf(plans, new Map(places.map((end) => [end.member, end])).values());
  const senders = new Set(sources.map(({ member }) => classes.get(member)!));
  const ports = Map.groupBy(targets, ({ end, protocol, port }) => `${classes.get(end.member)!.id} ${port}/${protocol}`);
  const isChanged = changedSince(plans);
  const found: Found[] = [];
  for (const from of senders) {
    const isOutside = from.ends[0]!.name === outside;
    const leavesOtherwise = isChanged('egress', from);
    for (const all of ports.values()) {
      const [{ end, protocol, port }] = all as [Target];
      const to = classes.get(end.member)!;
      if (!leavesOtherwise && !isChanged('ingress', to)) continue;
      const meant = all.filter(({ isOpen, end: target }) => (isOpen || !isOutside) && isSeen(from, target));
      const target = meant[0]?.end;
      const source = target && from.ends.find((one) => isForwarded(one, target));
      if (!source) continue;
      for (const { change, policies } of verdicts(plans, [source, target], { protocol, port })) {
        found.push({ change, policies, from, to, targets: meant });
      }
    }
  }
  return found;
}

/** Whether policies let something else to or from the ends of a class than before. */
function changedSince({ old, now }: Plans): (direction: 'ingress' | 'egress', of: EndClass) => boolean {
  const texts = new Map<Isolation, string>();
  const textOf = (isolation: Isolation | undefined) => {
    if (!isolation) return '';
    const text = texts.get(isolation) ?? JSON.stringify(isolation.allows, plain);
    texts.set(isolation, text);
    return text;
  };
  return (direction, { ends: [end] }) =>
    end!.addresses.some((ip) => textOf(old[direction].get(ip)) !== textOf(now[direction].get(ip)));
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Set) return [...value];
  return typeof value === 'bigint' ? String(value) : value;
}

/** What a node sends to its own pods, or they to it, is not forwarded, nor what a pod sends to itself. */
const isForwarded = (source: End, target: End): boolean =>
  source.member !== target.member && !((source.isOnHost || target.isOnHost) && source.node === target.node);

const isSeen = ({ ends }: EndClass, target: End): boolean => ends.some((source) => isForwarded(source, target));

function verdicts(
  { old, now }: Plans,
  [source, target]: readonly [End, End],
  at: Pick<Target, 'protocol' | 'port'>,
): Pick<Found, 'change' | 'policies'>[] {
  return source.addresses.flatMap((from) =>
    target.addresses.flatMap((to): Pick<Found, 'change' | 'policies'>[] => {
      if (familyOf(from) !== familyOf(to)) return [];
      const packet = { source: from, destination: to, ...at };
      const [was, is] = [deniedBy(old, packet), deniedBy(now, packet)];
      if (is && !was) return [{ change: 'denied', policies: is.policies }];
      return was && !is ? [{ change: 'allowed', policies: was.policies }] : [];
    }),
  );
}
