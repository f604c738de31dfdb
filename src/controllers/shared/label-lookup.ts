// Objects that a selector selects, and selectors that select an object, without looking at all of them.
import { type KubeObject, objectKey } from '../../apimachinery/object.ts';
import { type LabelSelector, type Labels, matchesLabels } from '../../apimachinery/selectors/label-selector.ts';
import type { Informer } from '../../client/types.ts';
import { LabelPairIndex, pairsOf } from './label-pair-index.ts';

/** Keeps `index` up to date with the pairs of an informer's objects; values are object keys. */
export function followPairs<T extends KubeObject>(
  informer: Informer<T>,
  index: LabelPairIndex<string>,
  pairs: (object: Readonly<T>) => string[],
): void {
  const indexed = new Map<string, string[]>();
  const forget = (object: Readonly<T>) => {
    const key = objectKey(object);
    index.remove(object.metadata.namespace ?? '', indexed.get(key) ?? [], key);
    indexed.delete(key);
  };
  const note = (object: Readonly<T>) => {
    forget(object);
    const present = pairs(object);
    indexed.set(objectKey(object), present);
    index.add(object.metadata.namespace ?? '', present, objectKey(object));
  };
  informer.addHandler({ added: note, updated: note, deleted: forget });
}

/** The pairs that everything selected has. */
function pairsWanted(selector: LabelSelector): string[] {
  const equal = selector.filter(({ operator, values }) => /^(=|==|in)$/.test(operator) && values.length === 1);
  return equal.map(({ key, values }) => `${key}=${values[0]}`);
}

export interface ObjectsByLabel<T extends KubeObject> {
  /** An undefined selector selects nothing. */
  selected(namespace: string, selector: LabelSelector | undefined): Readonly<T>[];
}

const known = new WeakMap<object, ObjectsByLabel<KubeObject>>();

/** One index per informer, whoever asks. */
export function objectsByLabel<T extends KubeObject>(informer: Informer<T>): ObjectsByLabel<T> {
  const present = known.get(informer) as ObjectsByLabel<T> | undefined;
  if (present) return present;
  const index = new LabelPairIndex<string>();
  followPairs(informer, index, (object) => pairsOf(object.metadata.labels));
  const made: ObjectsByLabel<T> = {
    selected(namespace, selector) {
      if (selector === undefined) return [];
      const sets = pairsWanted(selector).map((pair) => index.get(namespace, pair));
      const fewest = sets.sort((a, b) => a.size - b.size)[0];
      const candidates =
        fewest === undefined
          ? informer.lister.list(namespace)
          : [...fewest].map((key) => informer.lister.get(key.slice(namespace.length + 1), namespace));
      return candidates
        .filter((one) => one !== undefined)
        .filter((one) => matchesLabels(selector, one.metadata.labels));
    },
  };
  known.set(informer, made as unknown as ObjectsByLabel<KubeObject>);
  return made;
}

/** Keys of the objects whose selector (by `selectorOf`) selects these labels. */
export type SelectorsOf = (namespace: string, labels: Labels) => string[];

const withoutPair = ' ';

export function objectsSelecting<T extends KubeObject>(
  informer: Informer<T>,
  selectorOf: (object: Readonly<T>) => LabelSelector | undefined,
): SelectorsOf {
  const index = new LabelPairIndex<string>();
  followPairs(informer, index, (object) => {
    const selector = selectorOf(object);
    return selector === undefined ? [] : [pairsWanted(selector)[0] ?? withoutPair];
  });
  return (namespace, labels) =>
    [...pairsOf(labels), withoutPair].flatMap((pair) =>
      [...index.get(namespace, pair)].filter((key) => {
        const object = informer.lister.get(key.slice(namespace.length + 1), namespace);
        const selector = object && selectorOf(object);
        return selector !== undefined && matchesLabels(selector, labels);
      }),
    );
}
