// One way of sealing values, and lists of such ways (upstream k8s.io/apiserver/pkg/storage/value): the first of a list writes,
// all of them read, told apart by what a value begins with.
import { aggregate } from '../../apimachinery/aggregate.ts';
import { sealedPrefix } from './sealed-prefix.ts';

export interface Sealed {
  /** Begins with {@link sealedPrefix}, or is empty: the value is as it was. */
  readonly prefix: string;
  readonly bytes: Buffer;
}

export interface Opened {
  readonly value: Buffer;
  /** A write would seal it otherwise: with another key, or at all. */
  readonly isStale: boolean;
}

/** Both take the key of the value in the store: ciphers with associated data bind the value to it. */
export interface Transformer {
  seal(value: Buffer, key: string): Sealed;
  /** Gets what {@link open} needs of others; undefined: it is here. Rejects, or throws, as `open` does for what it cannot read. */
  prepare?(stored: Buffer): Promise<void> | undefined;
  /** Throws an Error in upstream's words for what it cannot read. */
  open(stored: Buffer, key: string): Opened;
}

/** What does the work below one prefix. */
export interface Cipher {
  seal(value: Buffer, key: string): Buffer;
  open(sealed: Buffer, key: string): Buffer;
}

/** None of several ways could read a value. Lists within lists are told as one. */
class NoneReadError extends Error {
  readonly messages: readonly string[];

  constructor(errors: readonly Error[]) {
    const messages = errors.flatMap((error) => (error instanceof NoneReadError ? error.messages : [error.message]));
    super(aggregate(messages));
    this.messages = messages;
  }
}

export interface Prefixed {
  readonly prefix: string;
  readonly transformer: Transformer;
}

/** Of a cipher: it adds no prefix of its own. */
export function transformerOf(cipher: Cipher): Transformer {
  return {
    seal: (value, key) => ({ prefix: '', bytes: cipher.seal(value, key) }),
    open: (stored, key) => ({ value: cipher.open(stored, key), isStale: false }),
  };
}

/** Leaves values as they are, and reads none that are sealed. */
export const identity: Transformer = {
  seal: (value) => ({ prefix: '', bytes: value }),
  open(stored) {
    if (startsWith(stored, sealedPrefixBytes)) throw new Error('identity transformer tried to read encrypted data');
    return { value: stored, isStale: false };
  },
};

const sealedPrefixBytes = Buffer.from(sealedPrefix);

function startsWith(bytes: Buffer, prefix: Buffer): boolean {
  return bytes.length >= prefix.length && bytes.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}

/**
 * A list of ways. Reading tries each whose prefix fits: two may share one, with different keys. `noMatch` is the message where none
 * fits.
 */
export function firstWrites(list: readonly Prefixed[], noMatch: string): Transformer {
  const ways = list.map((one) => ({ ...one, bytes: Buffer.from(one.prefix) }));
  const asking = ways.filter(({ transformer }) => transformer.prepare);
  return {
    ...(asking.length > 0 && {
      prepare(stored: Buffer) {
        const found = asking.find(({ bytes }) => startsWith(stored, bytes));
        return found?.transformer.prepare?.(stored.subarray(found.bytes.length));
      },
    }),
    seal(value, key) {
      const [{ prefix, transformer }] = ways as [(typeof ways)[number]];
      const inner = transformer.seal(value, key);
      return { prefix: prefix + inner.prefix, bytes: inner.bytes };
    },
    open(stored, key) {
      const failures: Error[] = [];
      for (const [index, { bytes, transformer }] of ways.entries()) {
        if (!startsWith(stored, bytes)) continue;
        try {
          const { value, isStale } = transformer.open(stored.subarray(bytes.length), key);
          return { value, isStale: isStale || index > 0 };
        } catch (error) {
          // Plain reading is only a look: what is sealed is for the others.
          if (bytes.length > 0) failures.push(error as Error);
        }
      }
      throw failures.length > 0 ? new NoneReadError(failures) : new Error(noMatch);
    },
  };
}
