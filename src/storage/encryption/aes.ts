// AES in Galois/counter mode and in cipher block chaining, laid out as kube-apiserver's transformers aesgcm and aescbc.
import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../../system/random.ts';
import type { Cipher } from './transformer.ts';

const tooShort = 'the stored data was shorter than the required size';

const nonceBytes = 12;
const tagBytes = 16;

/** `secret`: 16, 24 or 32 bytes. Nonce, ciphertext, tag; the key in the store is authenticated too. */
export function aesGcm(secret: Uint8Array, random: Random): Cipher {
  const algorithm = `aes-${secret.length * 8}-gcm` as CipherGCMTypes;
  return {
    seal(value, key) {
      const nonce = random.bytes(nonceBytes);
      const cipher = createCipheriv(algorithm, secret, nonce).setAAD(Buffer.from(key));
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, key) {
      if (sealed.length < nonceBytes) throw new Error(tooShort);
      try {
        const end = sealed.length - tagBytes;
        const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, nonceBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(Buffer.from(key)).setAuthTag(sealed.subarray(Math.max(end, nonceBytes)));
        return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
      } catch (error) {
        throw new Error('cipher: message authentication failed', { cause: error });
      }
    },
  };
}

const blockBytes = 16;

/** `secret`: 16, 24 or 32 bytes. Initialization vector, then blocks padded as PKCS #7 says; nothing is authenticated. */
export function aesCbc(secret: Uint8Array, random: Random): Cipher {
  const algorithm = `aes-${secret.length * 8}-cbc`;
  return {
    seal(value) {
      const iv = random.bytes(blockBytes);
      const cipher = createCipheriv(algorithm, secret, iv);
      return Buffer.concat([iv, cipher.update(value), cipher.final()]);
    },
    open(sealed) {
      if (sealed.length < blockBytes) throw new Error(tooShort);
      if (sealed.length % blockBytes !== 0) throw new Error('the stored data is not a multiple of the block size');
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, blockBytes)).setAutoPadding(false);
      return unpadded(Buffer.concat([decipher.update(sealed.subarray(blockBytes)), decipher.final()]));
    },
  };
}

/** Unlike OpenSSL, upstream takes a padding of more than one block. */
function unpadded(padded: Buffer): Buffer {
  const size = padded.at(-1) ?? 0;
  if (size === 0 || size > padded.length) throw new Error('invalid PKCS7 data (empty or not padded)');
  const end = padded.length - size;
  if (padded.subarray(end).some((byte) => byte !== size)) throw new Error('invalid padding on input');
  return padded.subarray(0, end);
}
