// Version 4 UUIDs (RFC 9562, section 5.4), written many at a time into one buffer, from which each is read as a text in one piece. Node's
// own are put together from twenty pieces and stay so: a kilobyte for every request and object, and JSON.stringify takes twice as
// long for an object with such a text in it.
import { randomFillSync } from 'node:crypto';

const bytesEach = 16;
const charactersEach = 36;
const atOnce = 512;
const hex = Buffer.from('0123456789abcdef', 'latin1');
const dash = 0x2d;
/** The bytes before which a dash stands. */
const afterDash: ReadonlySet<number> = new Set([4, 6, 8, 10]);

export class UuidSource {
  readonly #random = new Uint8Array(bytesEach * atOnce);
  readonly #text = Buffer.allocUnsafe(charactersEach * atOnce);
  #next: number = atOnce;

  next(): string {
    if (this.#next === atOnce) this.#write();
    const start = charactersEach * this.#next++;
    return this.#text.toString('latin1', start, start + charactersEach);
  }

  #write(): void {
    const random = randomFillSync(this.#random);
    const text = this.#text;
    let at = 0;
    for (let i = 0; i < random.length; i++) {
      const place = i % bytesEach;
      if (afterDash.has(place)) text[at++] = dash;
      const byte = place === 6 ? (random[i]! & 0x0f) | 0x40 : place === 8 ? (random[i]! & 0x3f) | 0x80 : random[i]!;
      text[at++] = hex[byte >>> 4]!;
      text[at++] = hex[byte & 0x0f]!;
    }
    this.#next = 0;
  }
}
