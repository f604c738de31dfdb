import type { Command } from 'commander';

/** What the file of a command exports. */
export interface CliCommand {
  /** Adds the command's options, arguments and action. An action that fails throws; main.ts prints one line. */
  register(command: Command): void;
}
