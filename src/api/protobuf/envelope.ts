// What is around messages on the wire: runtime.Unknown around an object, a list around its items, a frame around an
// event of a watch.
import { parseApiVersion } from '../../apimachinery/object.ts';
import { encodeMessage } from './encode.ts';
import { meta, typeOfKind } from './messages.ts';
import { BackwardWriter } from './writer.ts';

export interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
}

/** `k8s` and a zero byte, before a runtime.Unknown. */
export const prefix: Uint8Array = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);
/** The fields of runtime.Unknown after the object: contentEncoding and contentType, both empty. */
const tail = Uint8Array.of(0x1a, 0x00, 0x22, 0x00);
const delimited = 2;

/** The message of an object, without an envelope; undefined for kinds without a message. */
export function messageOfObject(object: Partial<Typed>): Uint8Array | undefined {
  const { apiVersion = '', kind = '' } = object;
  if (kind === 'PartialObjectMetadata') return messageOfMetadata((object as { metadata: object }).metadata);
  const type = typeOfKind({ ...parseApiVersion(apiVersion), kind });
  return type === undefined ? undefined : encodeMessage(type, object);
}

/** Of a meta.k8s.io PartialObjectMetadata. */
function messageOfMetadata(metadata: object): Uint8Array {
  return field(1, encodeMessage(`${meta}.ObjectMeta`, metadata));
}

/** A message in its envelope: a whole body. */
export function enveloped({ apiVersion, kind }: Typed, message: Uint8Array): Uint8Array {
  return Buffer.concat([...envelopeHead({ apiVersion, kind }, message.length), message, tail]);
}

/** An object in its envelope; undefined for kinds without a message. */
export function encodeObject(object: Typed): Uint8Array | undefined {
  const message = messageOfObject(object);
  return message && enveloped(object, message);
}

export interface ListHead extends Typed {
  readonly metadata: object;
  /** Messages without envelopes. */
  readonly items: readonly Uint8Array[];
}

export interface EncodedList {
  readonly head: Uint8Array;
  /** An item as it stands in the list. */
  item(message: Uint8Array): Uint8Array;
  readonly tail: Uint8Array;
}

/** The numbers of a list's fields: the same for all, save of the first version of lists of metadata. */
const list = { metadata: 1, items: 2 };
const oldMetadataList = { metadata: 2, items: 1 };

/** A list in its envelope, in pieces: head, each item in turn, tail. */
export function encodeList({ apiVersion, kind, metadata, items }: ListHead): EncodedList {
  const numbers = apiVersion === 'meta.k8s.io/v1beta1' ? oldMetadataList : list;
  const listMeta = field(numbers.metadata, encodeMessage(`${meta}.ListMeta`, metadata));
  const headLength = (item: Uint8Array) => headOf(numbers.items, item.length).length;
  const length = items.reduce((sum, item) => sum + headLength(item) + item.length, listMeta.length);
  return {
    head: Buffer.concat([...envelopeHead({ apiVersion, kind }, length), listMeta]),
    item: (message) => field(numbers.items, message),
    tail,
  };
}

/** An event of a watch as it is sent: its length in four bytes, a meta.k8s.io WatchEvent, the object in its envelope. */
export function watchFrame(type: string, object: Uint8Array): Uint8Array {
  const event = Buffer.concat([field(1, Buffer.from(type)), field(2, field(1, object))]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

function envelopeHead({ apiVersion, kind }: Typed, length: number): Uint8Array[] {
  const typeMeta = [field(1, Buffer.from(apiVersion)), field(2, Buffer.from(kind))];
  return [prefix, field(1, Buffer.concat(typeMeta)), headOf(2, length)];
}

function field(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([headOf(number, bytes.length), bytes]);
}

/** The tag of a field with a length, and the length. */
function headOf(number: number, length: number): Uint8Array {
  const writer = new BackwardWriter();
  writer.varint(length);
  writer.varint((number << 3) | delimited);
  return writer.take();
}
