// Which objects are whose (upstream pkg/controller ControllerRefManager): pure.
import type { KubeObject } from '../../apimachinery/object.ts';
import { type LabelSelector, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import { controllerOf } from './owners.ts';

export interface Claim<T> {
  /** What the owner controls, or is to adopt. */
  readonly own: readonly Readonly<T>[];
  readonly adopt: readonly Readonly<T>[];
  /** Controlled, but no longer selected. */
  readonly release: readonly Readonly<T>[];
}

export interface ClaimInput<T> {
  readonly owner: Readonly<KubeObject>;
  /** Undefined selects nothing. */
  readonly selector: LabelSelector | undefined;
  /** At least all that the owner controls, and all of its namespace that nobody controls and the selector selects. */
  readonly objects: readonly Readonly<T>[];
  /** Beside the selector. */
  readonly mayAdopt?: (object: Readonly<T>) => boolean;
}

export function claimObjects<T extends KubeObject>({ owner, selector, objects, mayAdopt }: ClaimInput<T>): Claim<T> {
  const own: Readonly<T>[] = [];
  const adopt: Readonly<T>[] = [];
  const release: Readonly<T>[] = [];
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  for (const object of objects) {
    const matches = selector !== undefined && matchesLabels(selector, object.metadata.labels);
    const controller = controllerOf(object);
    if (controller && controller.uid !== owner.metadata.uid) continue;
    if (controller && matches) own.push(object);
    else if (controller && !deleting) release.push(object);
    else if (
      !controller &&
      matches &&
      !deleting &&
      !object.metadata.deletionTimestamp &&
      (mayAdopt?.(object) ?? true)
    ) {
      adopt.push(object);
      own.push(object);
    }
  }
  return { own, adopt, release };
}
