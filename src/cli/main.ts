// The program: finds the command's file and hands over. One file per command, loaded only when asked for.
import { Command } from 'commander';

export interface CliCommand {
  /** Adds the command's options, arguments and action. */
  readonly register: (command: Command) => void;
}

const commands: Readonly<Record<string, { summary: string; load: () => Promise<CliCommand> }>> = {};

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('portico').description(
    'The Kubernetes Service system: one command starts a real cluster',
  );
  program.exitOverride();
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).description(summary);
    if (argv[2] === name) (await load()).register(command);
  }
  await program.parseAsync(argv);
}

await main(process.argv);
