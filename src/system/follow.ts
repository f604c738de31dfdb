/** Programs that run on: those that print lines as things happen (`nft monitor`), and those one talks with (`nft -i`). */
export interface Follow {
  /**
   * Starts the program and yields the lines of its standard output. Ends when the program does or when the signal
   * aborts, which ends the program; throws when it cannot be started.
   */
  lines(command: readonly string[], signal: AbortSignal): AsyncIterable<string>;
  /** The same for a program whose standard output is not text, in pieces as they come. */
  bytes(command: readonly string[], signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Starts a program that is told things on its standard input, for as long as the caller keeps it. */
  converse(command: readonly string[], options: ConversationOptions): Conversation;
}

export interface ConversationOptions {
  /** Called with each line that the program prints, on either output. */
  readonly heard: (line: string) => void;
  /** Set in addition to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Conversation {
  /** Writes text to the program's standard input; nothing happens when the program has ended. */
  tell(text: string): void;
  /** Closes the standard input, after which such programs finish what they were told and end. */
  end(): void;
  /** Ends the program whatever it is at. */
  kill(): void;
  /** Resolves when the program has ended, or could not be started; never rejects. */
  readonly ended: Promise<void>;
}
