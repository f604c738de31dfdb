// One object at one revision, as storage holds it: its JSON text without the resourceVersion. Texts that clients get
// are cut and spliced from it; it is parsed when something looks inside, and only once.
import { parseExactly } from '../../apimachinery/json/int64.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { isSealed } from '../../storage/encryption/sealed-prefix.ts';
import { endOfObject, parseSharing } from './shared-fields.ts';

const marker = '"metadata":{';

/**
 * The text under which an object is stored: kind and apiVersion first, then metadata, without resourceVersion.
 * {@link StoredObject} relies on this order.
 */
export function encodeForStorage(object: KubeObject): string {
  if (object.metadata.resourceVersion === undefined && isInOrder(object)) return JSON.stringify(object);
  const { kind, apiVersion, metadata, ...rest } = object;
  return JSON.stringify({ kind, apiVersion, metadata: { ...metadata, resourceVersion: undefined }, ...rest });
}

const leading = ['kind', 'apiVersion', 'metadata'];

function isInOrder(object: KubeObject): boolean {
  let at = 0;
  for (const key in object) {
    if (key !== leading[at]) return false;
    at += 1;
    if (at === leading.length) return true;
  }
  return false;
}

/**
 * Why nothing can be made of a value as an object's, without a word of what it says; undefined: it is one as
 * {@link encodeForStorage} writes it.
 */
export function unreadableReason(value: string): string | undefined {
  if (isSealed(value)) return 'it is encrypted';
  let object: unknown;
  try {
    object = JSON.parse(value);
  } catch {
    return 'it is no JSON';
  }
  const { metadata } = (object ?? {}) as { readonly metadata?: { readonly name?: unknown } };
  if (typeof metadata?.name !== 'string') return 'it is no object with a name';
  const begins = Object.keys(object as object).slice(0, leading.length);
  const isOurs = begins.slice(0, begins.indexOf('metadata')).every((key) => leading.includes(key));
  return isOurs && value.includes(marker) ? undefined : 'it is not laid out as this server stores objects';
}

export class StoredObject<T extends KubeObject = KubeObject> {
  readonly key: string;
  readonly value: string;
  /** The object's resourceVersion; 0: it was only tried and has none. */
  readonly revision: number;
  #object: T | undefined;
  #line: string | undefined;
  #message: Uint8Array | undefined;
  #told: Readonly<KubeObject['metadata']> | undefined;

  /** `told`: the metadata that the value was made of, where who wrote it says so. */
  constructor(key: string, value: string, revision: number, told?: Readonly<KubeObject['metadata']>) {
    this.key = key;
    this.value = value;
    this.revision = revision;
    this.#told = told;
  }

  /** Lets go of what was told: there is the text. */
  forgetTold(): void {
    this.#told = undefined;
  }

  /** The whole object as JSON, with its resourceVersion. */
  get text(): string {
    const at = this.value.indexOf(marker) + marker.length;
    return `${this.value.slice(0, at)}${this.#version}${this.value.slice(at)}`;
  }

  /** As an item of a list: without kind and apiVersion. */
  get itemText(): string {
    const at = this.value.indexOf(marker) + marker.length;
    return `{"metadata":{${this.#version}${this.value.slice(at)}`;
  }

  /** What is nowhere stored has none. */
  get #version(): string {
    return this.revision === 0 ? '' : `"resourceVersion":"${this.revision}",`;
  }

  /** {@link text} with a final newline, put together once. A string: Node.js sends a head and a string in one piece. */
  get line(): string {
    this.#line ??= `${this.text}\n`;
    return this.#line;
  }

  /** The object in protocol buffers, encoded once; it is not kept parsed for that. */
  message(encode: (object: Readonly<T>) => Uint8Array): Uint8Array {
    this.#message ??= encode(this.#object ?? this.copy());
    return this.#message;
  }

  /** The parsed object, shared by all readers: never to be changed. */
  get object(): Readonly<T> {
    this.#object ??= parseSharing(this.text) as T;
    return this.#object;
  }

  /** The object's metadata: parsed alone, and not kept, unless all of it is. */
  get metadata(): Readonly<KubeObject['metadata']> {
    if (this.#object) return this.#object.metadata;
    // A client may have sent a resourceVersion that is empty.
    if (this.#told) return { ...this.#told, resourceVersion: String(this.revision) };
    const start = this.value.indexOf(marker) + marker.length;
    const rest = this.value.slice(start, endOfObject(this.value, start - 1));
    return JSON.parse(`{${this.#version}${rest}`) as KubeObject['metadata'];
  }

  /** A copy of the caller's own. */
  copy(): T {
    return parseExactly(this.text) as T;
  }
}
