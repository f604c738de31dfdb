// How the objects of the world are named in questions.
import type { World } from '../state/world.ts';

const nodesOf = ({ nodes }: World): readonly string[] => nodes.map(({ name }) => `node/${name}`);

function* podsOf({ podsOfNode }: World): Generator<string> {
  for (const name of [...podsOfNode.keys()].sort()) {
    for (const pod of podsOfNode.get(name) ?? []) yield `pod/${pod.namespace}/${pod.name}`;
  }
}

/** Who may send a packet. */
export function* sendersOf(world: World): Generator<string> {
  yield* podsOf(world);
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
  yield* podsOf(world);
}

export const firstOf = (names: Iterable<string>): string => {
  for (const name of names) return name;
  return '';
};
