// Changes of what may connect to what, told together where they are alike.
import type { EndClass } from './reach-classes.ts';
import { type End, outside, type Target } from './reach-ends.ts';

/** One of those whose connections change. */
export interface ReachEnd {
  /** `Deployment shop/web`, `Service shop/db:sql`, `pod shop/x 8080/TCP`, `outside the cluster`. */
  readonly name: string;
  /** How many pods or addresses it has. */
  readonly of: number;
  /** Those that are meant (`shop/web-1`), where not all are; sorted. */
  readonly members?: readonly string[];
}

/** New connections that NetworkPolicies let through in one of two worlds and not in the other. */
export interface ReachChange {
  readonly change: 'denied' | 'allowed';
  readonly from: readonly ReachEnd[];
  readonly to: readonly ReachEnd[];
  /** Those that do not let them through, after the change or before it: `shop/db-only`. */
  readonly policies: readonly string[];
}

/** Ends of one class cannot, or can, connect to targets of another any more. */
export interface Found extends Pick<ReachChange, 'change' | 'policies'> {
  readonly from: EndClass;
  readonly to: EndClass;
  readonly targets: readonly Target[];
}

interface Group extends Pick<ReachChange, 'change' | 'policies'> {
  readonly from: ReadonlySet<EndClass>;
  /** Targets that are a class of their own: nobody connects to itself, which is no difference from others. */
  readonly own: ReadonlySet<EndClass>;
  readonly targets: ReadonlySet<Target>;
}

interface All {
  readonly sources: readonly End[];
  readonly targets: readonly Target[];
}

export function grouped(found: readonly Found[], { sources, targets }: All): ReachChange[] {
  const single = found.flatMap(({ change, policies, from, to, targets: meant }) =>
    [...Map.groupBy(meant, ({ label }) => label).values()].map(
      (ofLabel): Group => ({
        change,
        policies,
        from: new Set([from]),
        own: new Set(to.ends.length === 1 ? [to] : []),
        targets: new Set(ofLabel),
      }),
    ),
  );
  // All that one class has to do with a name; who has the same to do with it; to what else; and those that are targets themselves.
  const perName = merged(single, ({ from, targets: [target] }) => `${idsOf(from)} ${target?.label}`);
  const perTargets = merged(perName, ({ targets: meant }) => membersText(meant));
  const alike = merged(perTargets, ({ from }) => idsOf(from));
  const together = merged(alike, ({ from, own }) => idsOf(new Set([...from, ...own])));
  const sourceCounts = countsOf(sources.map((end) => [end.name, end.member]));
  const targetCounts = countsOf(targets.map(({ label, end }) => [label, end.member]));
  const everyOutside = new Set(targets.filter(({ end }) => end.name === outside).map(({ label }) => label));
  return together
    .map(({ change, policies, from, targets: meant }) => ({
      change,
      from: endsOf(
        [...from].flatMap(({ ends }) => ends.map(({ name, member }) => [name, member])),
        sourceCounts,
      ),
      to: withWholeOutside(
        endsOf(
          [...meant].map(({ label, end }) => [label, end.member]),
          targetCounts,
        ),
        everyOutside,
      ),
      policies,
    }))
    .sort((a, b) => sizeOf(b) - sizeOf(a) || compareText(sortKey(a), sortKey(b)));
}

/** Groups with the same key become one, where they are of one change. */
function merged(groups: readonly Group[], keyOf: (group: Group) => string): Group[] {
  const alike = Map.groupBy(groups, (group) => JSON.stringify([group.change, group.policies, keyOf(group)]));
  return [...alike.values()].map((ones) => {
    const [{ change, policies }] = ones as [Group];
    const unionOf = <V>(setOf: (group: Group) => ReadonlySet<V>) => new Set(ones.flatMap((one) => [...setOf(one)]));
    return {
      change,
      policies,
      from: unionOf(({ from }) => from),
      own: unionOf(({ own }) => own),
      targets: unionOf(({ targets }) => targets),
    };
  });
}

const membersText = (targets: ReadonlySet<Target>): string =>
  [...targets]
    .map(({ label, end }) => `${label} ${end.member}`)
    .sort()
    .join();

const idsOf = (classes: ReadonlySet<EndClass>): string =>
  [...classes]
    .map(({ id }) => id)
    .sort((a, b) => a - b)
    .join();

type Named = readonly (readonly [name: string, member: string])[];

function membersByName(named: Named): Map<string, Set<string>> {
  const members = new Map<string, Set<string>>();
  for (const [name, member] of named) members.set(name, (members.get(name) ?? new Set()).add(member));
  return members;
}

const countsOf = (named: Named) => new Map([...membersByName(named)].map(([name, members]) => [name, members.size]));

function endsOf(named: Named, counts: ReadonlyMap<string, number>): ReachEnd[] {
  return [...membersByName(named)]
    .map(([name, members]) => {
      const of = counts.get(name) ?? 0;
      return { name, of, ...(members.size < of && { members: [...members].sort() }) };
    })
    .sort((a, b) => compareText(a.name, b.name));
}

/** Where all ports outside are meant, none is named. */
function withWholeOutside(ends: readonly ReachEnd[], everyLabel: ReadonlySet<string>): readonly ReachEnd[] {
  const [ofOutside, others] = [
    ends.filter(({ name }) => everyLabel.has(name)),
    ends.filter(({ name }) => !everyLabel.has(name)),
  ];
  const [first] = ofOutside;
  const isWhole = first && ofOutside.length === everyLabel.size && ofOutside.every(({ members }) => !members);
  return isWhole ? [...others, { ...first, name: outside }] : ends;
}

/** What concerns many comes first. */
const sizeOf = ({ from }: ReachChange): number =>
  from.reduce((sum, { members, of }) => sum + (members?.length ?? of), 0);

const sortKey = ({ change, to, from, policies }: ReachChange): string =>
  [change, to[0]?.name, from[0]?.name, policies].join(' ');

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
