// Of the pods of a namespace: why those that a Service selects get no traffic of it, and what is in the way of the others.
import { isNodeReady } from '../api/core/v1/node/facts.ts';
import type { Node, Pod } from '../api/core/v1/types.generated.ts';
import { ownValue } from '../apimachinery/table.ts';
import { selects } from '../controllers/shared/service-selection.ts';
import { addressesOf } from './trace/world.ts';

export interface Circumstances {
  /** Of the Service: `publishNotReadyAddresses`. */
  readonly isPublished: boolean;
  /** The pod's, where it is known. */
  readonly node?: Node | undefined;
}

/** `it is …`; empty for a pod that gets traffic. */
export function whyNoTraffic(pod: Readonly<Pod>, { isPublished, node }: Circumstances): string {
  const { phase, conditions = [] } = pod.status ?? {};
  if (pod.metadata.deletionTimestamp !== undefined && !isPublished) return 'it is terminating';
  if (phase === 'Failed' || phase === 'Succeeded') return `it has ended (${phase})`;
  if (!pod.spec?.nodeName) return `it is on no node yet${unscheduled(pod)}`;
  const down = node && isKnownAsDown(node) ? `, and its node ${node.metadata.name} is not ready` : '';
  if (addressesOf(pod).length === 0) return `it has no address yet${down}`;
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True' || isPublished) return '';
  const why = down === '' ? (containerTrouble(pod) ?? ready?.message) : undefined;
  return `it is not ready${why ? `: ${why}` : ''}${down}`;
}

/** Its own node says so of itself, or the control plane does for it: manifests need not tell. */
export function isKnownAsDown(node: Readonly<Node>): boolean {
  return (node.status?.conditions ?? []).some(({ type }) => type === 'Ready') && !isNodeReady(node);
}

/** The scheduler's reason, without what it says of preemption. */
function unscheduled({ status }: Readonly<Pod>): string {
  const found = status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  const [first] = found?.message?.split('. ') ?? [];
  return first ? `: ${first}` : '';
}

function containerTrouble({ spec, status }: Readonly<Pod>): string | undefined {
  const unready = status?.containerStatuses?.find(({ ready }) => !ready);
  if (!unready) return undefined;
  const { name, state } = unready;
  if (state?.waiting?.reason) return `container ${name} waits (${state.waiting.reason})`;
  const hasProbe = spec?.containers?.some((one) => one.name === name && one.readinessProbe);
  return state?.running && hasProbe ? `the readiness probe of container ${name} does not succeed` : undefined;
}

export interface NearMiss {
  readonly pod: Readonly<Pod>;
  /** `its app is wbe, not web`; `it has no label tier`; joined by semicolons. */
  readonly why: string;
  /** Another label fits, or few characters are others: likely it is meant. */
  readonly isLikely: boolean;
}

/** Pods that have a label of the selector, and are not selected: those that lack least come first. */
export function nearMisses(selector: Readonly<Record<string, string>>, pods: readonly Readonly<Pod>[]): NearMiss[] {
  const wanted = Object.entries(selector);
  const near = pods.flatMap((pod) => {
    const { labels } = pod.metadata;
    const has = wanted.map(([key]) => ownValue(labels, key));
    if (selects(selector, labels) || has.every((value) => value === undefined)) return [];
    const wrong = wanted.flatMap(([key, value], i) => (has[i] === value ? [] : [{ key, value, is: has[i] }]));
    // A label that is not there at all is further away than one of another value.
    const edits = wrong.reduce(
      (sum, { value, is }) => sum + (is === undefined ? 2 * value.length : distance(value, is)),
      0,
    );
    const why = wrong.map(({ key, value, is }) =>
      is === undefined ? `it has no label ${key}` : `its ${key} is ${is}, not ${value}`,
    );
    // Two letters that changed places are two.
    const most = Math.max(2, wrong.reduce((sum, { value }) => sum + value.length, 0) / 2);
    const isLikely = wrong.length < wanted.length || edits <= most;
    return [{ pod, why: why.join('; '), isLikely, wrong: wrong.length, edits }];
  });
  return near
    .sort((a, b) => a.wrong - b.wrong || a.edits - b.edits)
    .map(({ pod, why, isLikely }) => ({ pod, why, isLikely }));
}

/** How many characters have to be put in, taken out or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, x] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, y] of [...b].entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (x === y ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
