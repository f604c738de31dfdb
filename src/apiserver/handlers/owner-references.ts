// Owner references that stand twice in an object count once, and whoever wrote them is told.
import { jsonEqual } from '../../apimachinery/json/value.ts';
import type { OwnerReference } from '../../apimachinery/meta/v1.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';

/** Patches are looked at only once admission is through with them, and so they are told. */
const whens = { body: '', patch: ' after mutating admission happens' };

/** Changes the object in place. */
export function dropRepeatedOwners(
  { metadata }: KubeObject,
  { warnings, of }: { readonly warnings: Set<string>; readonly of: keyof typeof whens },
): void {
  const { ownerReferences: given = [] } = metadata;
  if (given.length < 2) return;
  const kept: OwnerReference[] = [];
  const repeated: string[] = [];
  for (const reference of given) {
    if (kept.some((one) => jsonEqual(one, reference))) repeated.push(reference.uid);
    else kept.push(reference);
  }
  if (repeated.length === 0) return;
  metadata.ownerReferences = kept;
  warnings.add(
    `.metadata.ownerReferences contains duplicate entries${whens[of]}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(', ')}`,
  );
}
