// Values in stores whose values are texts: as they are, and sealed.
import { isSealed } from './sealed-prefix.ts';
import type { Sealed } from './transformer.ts';

export interface StoredForm {
  plain(text: string): string;
  sealed(sealed: Sealed): string;
  /** What {@link StoredForm.plain} or {@link StoredForm.sealed} made, as the bytes that transformers know. */
  bytes(stored: string): Buffer;
}

/** For a store that keeps texts: the prefix stays readable, the rest is base64. Plain values stay what they are. */
export const textForm: StoredForm = {
  plain: (text) => text,
  sealed: ({ prefix, bytes }) => prefix + bytes.toString('base64'),
  bytes(stored) {
    if (!isSealed(stored)) return Buffer.from(stored);
    const end = stored.lastIndexOf(':') + 1;
    return Buffer.concat([Buffer.from(stored.slice(0, end)), Buffer.from(stored.slice(end), 'base64')]);
  },
};

/** For a store that keeps each character as one byte: exactly what kube-apiserver writes. */
export const byteForm: StoredForm = {
  plain: (text) => Buffer.from(text).toString('latin1'),
  sealed: ({ prefix, bytes }) => Buffer.from(prefix).toString('latin1') + bytes.toString('latin1'),
  bytes: (stored) => Buffer.from(stored, 'latin1'),
};
