/**
 * Something outside the program is not as it must be (no root, a port taken, a file of another version). The message is
 * one line that says what is wrong and what to do; the program prints it and ends with `exitCode`.
 */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { readonly cause?: unknown; readonly exitCode?: number } = {}) {
    super(message, { cause: options.cause });
    this.name = 'Failure';
    this.exitCode = options.exitCode ?? 1;
  }
}
