// What the content of a namespace that ends means for its status (upstream namespaceConditionUpdater).
import type { Namespace, NamespaceCondition } from '../../api/core/v1/types.generated.ts';
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { GroupVersionResource, KubeObject } from '../../apimachinery/object.ts';
import { formatTime } from '../../apimachinery/time.ts';

export interface Remaining {
  readonly resource: GroupVersionResource;
  readonly objects: readonly Readonly<KubeObject>[];
}

export interface NamespaceContent {
  readonly remaining: readonly Remaining[];
  /** Messages of groups that could not be discovered. */
  readonly discoveryFailures: readonly string[];
  /** Messages of resources that could not be listed or deleted. */
  readonly deletionFailures: readonly string[];
}

/** May the namespace go? */
export function isEmpty({ remaining, discoveryFailures, deletionFailures }: NamespaceContent): boolean {
  return (
    discoveryFailures.length === 0 && deletionFailures.length === 0 && remaining.every((r) => r.objects.length === 0)
  );
}

/** The status to write; undefined when it is as it should be. `now` in milliseconds since the epoch. */
export function statusOf(
  namespace: Readonly<Namespace>,
  content: NamespaceContent,
  now: number,
): Namespace['status'] | undefined {
  const old = namespace.status?.conditions ?? [];
  const fresh = told(content);
  const others = old.filter((c) => !fresh.some((t) => t.type === c.type));
  const conditions = fresh.map((condition): NamespaceCondition => {
    const present = old.find((c) => c.type === condition.type);
    const same = present?.status === condition.status;
    return { ...condition, lastTransitionTime: same ? (present.lastTransitionTime ?? '') : formatTime(now) };
  });
  const status = { ...namespace.status, phase: 'Terminating', conditions: [...others, ...conditions] };
  return jsonEqual(status, namespace.status) ? undefined : status;
}

type Told = Pick<NamespaceCondition, 'type' | 'status' | 'reason' | 'message'>;

function told({ remaining, discoveryFailures, deletionFailures }: NamespaceContent): Told[] {
  const counts = remaining
    .filter((r) => r.objects.length > 0)
    .map(({ resource, objects }) => `${qualified(resource)} has ${objects.length} resource instances`);
  const finalizers = new Map<string, number>();
  for (const object of remaining.flatMap((r) => r.objects)) {
    for (const f of object.metadata.finalizers ?? []) finalizers.set(f, (finalizers.get(f) ?? 0) + 1);
  }
  const finalizing = [...finalizers].sort().map(([name, count]) => `${name} in ${count} resource instances`);
  return [
    condition('NamespaceDeletionDiscoveryFailure', discoveryFailures, {
      good: ['ResourcesDiscovered', 'All resources successfully discovered'],
      bad: [
        'DiscoveryFailed',
        `Discovery failed for some groups, ${discoveryFailures.length} failing: unable to retrieve the complete list of server APIs: `,
      ],
    }),
    condition('NamespaceDeletionGroupVersionParsingFailure', [], {
      good: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
      bad: ['GroupVersionParsingFailed', ''],
    }),
    condition('NamespaceDeletionContentFailure', deletionFailures, {
      good: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
      bad: ['ContentDeletionFailed', `Failed to delete all resource types, ${deletionFailures.length} remaining: `],
    }),
    condition('NamespaceContentRemaining', counts, {
      good: ['ContentRemoved', 'All content successfully removed'],
      bad: ['SomeResourcesRemain', 'Some resources are remaining: '],
    }),
    condition('NamespaceFinalizersRemaining', finalizing, {
      good: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
      bad: ['SomeFinalizersRemain', 'Some content in the namespace has finalizers remaining: '],
    }),
  ];
}

function condition(
  type: string,
  problems: readonly string[],
  words: { readonly good: readonly [string, string]; readonly bad: readonly [string, string] },
): Told {
  if (problems.length === 0) return { type, status: 'False', reason: words.good[0], message: words.good[1] };
  return { type, status: 'True', reason: words.bad[0], message: words.bad[1] + problems.join(', ') };
}

/** `pods.` or `deployments.apps`, as upstream prints a group and resource. */
function qualified({ group, resource }: GroupVersionResource): string {
  return `${resource}.${group}`;
}
