// Bytes written from the end to the start: the length of what a field holds is known when its tag is written, so that
// nothing is measured or copied twice.

const smallest = 1024;

export class BackwardWriter {
  #buffer = Buffer.allocUnsafe(smallest);
  #position = smallest;

  /** How many bytes there are: what was written since an earlier count is the difference. */
  get length(): number {
    return this.#buffer.length - this.#position;
  }

  /** A copy of all that was written; the writer is empty then. */
  take(): Uint8Array {
    const bytes = Uint8Array.prototype.slice.call(this.#buffer, this.#position);
    this.#position = this.#buffer.length;
    return bytes;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#position -= value.length;
    this.#buffer.set(value, this.#position);
  }

  text(value: string): number {
    // As if every character took three bytes: cheaper than to count them first.
    this.#reserve(value.length * 3);
    const length = Buffer.byteLength(value);
    this.#position -= length;
    this.#buffer.write(value, this.#position, length, 'utf8');
    return length;
  }

  /** A whole number in base 128; negative ones as 64 bits in two's complement. */
  varint(value: number): void {
    this.#reserve(10);
    if (value >= 0 && value < 128) this.#buffer[--this.#position] = value;
    else if (value >= 0 && value <= 0xffff_ffff) this.#smallVarint(value);
    else this.#largeVarint(BigInt.asUintN(64, BigInt(Math.trunc(value))));
  }

  /** The eight bytes of a floating point number. */
  double(value: number): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#buffer.writeDoubleLE(value, this.#position);
  }

  #smallVarint(value: number): void {
    let size = 1;
    for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
    this.#position -= size;
    let rest = value;
    for (let i = 0; i < size - 1; i++) {
      this.#buffer[this.#position + i] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#position + size - 1] = rest;
  }

  #largeVarint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    this.#position -= bytes.length;
    this.#buffer.set(bytes, this.#position);
  }

  #reserve(size: number): void {
    if (this.#position >= size) return;
    const used = this.length;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size));
    this.#buffer.copy(larger, larger.length - used, this.#position);
    this.#position = larger.length - used;
    this.#buffer = larger;
  }
}
