/** A program that runs on and prints lines as things happen (`nft monitor`). */
export interface Follow {
  /**
   * Starts the program and yields the lines of its standard output. Ends when the program does or when the signal
   * aborts, which ends the program; throws when it cannot be started.
   */
  lines(command: readonly string[], signal: AbortSignal): AsyncIterable<string>;
}
