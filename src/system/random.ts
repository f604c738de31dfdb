/** Dice, injected so that tests are repeatable. */
export interface Random {
  /** A whole number in [0, bound). `bound` is at least 1 and at most 2^48 - 1. */
  int(bound: number): number;
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array;
  /** A version 4 UUID (RFC 9562). */
  uuid(): string;
}
