/** Programs of the machine (nft, ip, iptables-restore, …), run to their end. */
export interface Exec {
  /**
   * Runs `command[0]` with the rest as arguments and waits for it. A program that ends with a non-zero code is a result,
   * not an error; it rejects only when the program cannot be started (`code` ENOENT) or the signal aborts.
   */
  run(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;
}

export interface ExecOptions {
  /**
   * Written to standard input, which is then closed. Pieces are asked for as the program reads them, so that both work at
   * once; when asking for one throws, the program is killed before its input ends, and `run` rejects with what was thrown.
   */
  readonly input?: string | Uint8Array | Iterable<string>;
  /** Set in addition to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  /** The exit code; 128 + n when signal n ended the program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
