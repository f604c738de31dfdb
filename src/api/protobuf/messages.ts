// The messages of the built-in kinds: numbers of fields from the table of facts, types from the JSON schemas.
import type { GroupVersionKind } from '../../apimachinery/object.ts';
import { table } from '../facts/protobuf.generated.ts';
import { readFacts } from '../schema/facts.ts';

export interface MessageField {
  readonly number: number;
  /** As in JSON. */
  readonly name: string;
  /** As in the table of fields: `string`, `[]io.k8s.api.core.v1.Container`, `map[string]string`. Of an inlined message, its name. */
  readonly type: string;
  /** JSON has the fields of the message in place of this one. */
  readonly isInlined: boolean;
  /** A list that is a message with the list as its first field, so that none differs from an empty one. */
  readonly isBoxed: boolean;
}

/** By number, in ascending order. */
export type Message = ReadonlyMap<number, MessageField>;

export const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

const facts = readFacts();
const rows = new Map(
  table
    .split('\n')
    .slice(1)
    .map((row) => row.split('\t') as [string, string]),
);
const messages = new Map<string, Message>();

/** The type of a kind; undefined where no message is known, as for custom resources. */
export function typeOfKind({ group, version, kind }: GroupVersionKind): string | undefined {
  // Every group has its own DeleteOptions, and all are the same.
  const type = kind === 'DeleteOptions' ? `${meta}.${kind}` : facts.typesOfKinds.get(`${group}/${version}/${kind}`);
  return type !== undefined && rowOf(type) !== undefined ? type : undefined;
}

/** Lists that have a message of their own in generated.proto, other than as values of maps. */
const boxed = new Set([`${meta}.APIResource.verbs`]);

/** The cell of a message in the table; all lists are alike, and not in it. */
function rowOf(type: string): string | undefined {
  return rows.get(type) ?? (type.endsWith('List') && facts.factsOf(type) ? 'metadata=1 items=2' : undefined);
}

/** The fields of a type, or of a message that is inlined in it, whose fields have the types of the outer one's. */
export function messageOf(type: string, inlined = type): Message {
  const key = `${type} ${inlined}`;
  let message = messages.get(key);
  if (!message) {
    message = readMessage(type, inlined);
    messages.set(key, message);
  }
  return message;
}

function readMessage(type: string, row: string): Message {
  const types = new Map(facts.factsOf(type)?.fields.map((field) => [field.name, field.type]));
  const fields: MessageField[] = [];
  for (const cell of (rowOf(row) ?? '').split(' ').filter((text) => text !== '')) {
    const equals = cell.lastIndexOf('=');
    const name = cell.slice(0, equals);
    const number = Number(cell.slice(equals + 1));
    if (name.startsWith('(')) {
      fields.push({ number, name, type: name.slice(1, -1), isInlined: true, isBoxed: false });
      continue;
    }
    const fieldType = types.get(name);
    if (fieldType === undefined) continue;
    fields.push({ number, name, type: fieldType, isInlined: false, isBoxed: boxed.has(`${type}.${name}`) });
  }
  fields.sort((a, b) => a.number - b.number);
  return new Map(fields.map((field) => [field.number, field]));
}
