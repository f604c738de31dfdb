// How the objects of the world are named in questions.
import type { PodItem } from '../../explain/picture/picture.ts';
import type { World } from '../state/world.ts';

/** Pods that are over send nothing, and neither do those without an address. */
const isSending = ({ state, addresses }: PodItem): boolean =>
  state !== 'succeeded' && state !== 'failed' && addresses.length > 0;

const nodesOf = ({ nodes }: World): readonly string[] => nodes.map(({ name }) => `node/${name}`);

const podText = ({ namespace, name }: PodItem): string => `pod/${namespace}/${name}`;

function* podsOf({ podsOfNode }: World): Generator<PodItem> {
  for (const name of [...podsOfNode.keys()].sort()) yield* podsOfNode.get(name) ?? [];
}

/** Who may send a packet. */
export function* sendersOf(world: World): Generator<string> {
  for (const pod of podsOf(world)) if (isSending(pod)) yield podText(pod);
  yield* nodesOf(world);
  yield 'external';
}

/** Where a packet may be sent: each port of each Service. */
export function* targetsOf({ services }: World): Generator<string> {
  for (const { namespace, name, ports } of services) {
    for (const { port, protocol } of ports)
      yield `${name}.${namespace}:${port}${protocol === 'TCP' ? '' : `/${protocol.toLowerCase()}`}`;
  }
}

/** What a plan may do without. */
export function* removablesOf(world: World): Generator<string> {
  yield* nodesOf(world);
  for (const { namespace, name } of world.services) yield `service/${namespace}/${name}`;
  for (const pod of podsOf(world)) yield podText(pod);
}

export const firstOf = (names: Iterable<string>): string => {
  for (const name of names) return name;
  return '';
};
