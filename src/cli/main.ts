// The program: finds the command's file and hands over. Exit codes are 0, 1 (failed) and 2 (usage); plan, trace and rules have diff's.
import './quick-imports.ts';
import { flushCompileCache } from 'node:module';
import { Command, CommanderError, Help, type Option } from 'commander';
import { commands } from './commands.ts';
import { describeFailure } from './describe-failure.ts';

/** An empty list, or empty text, is no default to tell of. */
function describeOption(option: Option): string {
  return new Help().optionDescription(option).replace(/ \(default: (?:\[\]|"")\)$/, '');
}

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('portico')
    .description('The Kubernetes Service system: one command starts a real cluster.')
    .usage('COMMAND [OPTIONS]')
    .option('--version', 'print the version')
    .configureOutput({ outputError: (text, write) => write(`portico: ${text.replace(/^error: /, '')}`) })
    .configureHelp({ optionDescription: describeOption })
    .exitOverride();
  for (const { name, summary, load } of commands) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`);
    if (argv[2] === name || (argv[2] === 'help' && argv[3] === name)) (await load()).register(command);
    else command.allowUnknownOption().allowExcessArguments();
  }
  if (argv.length <= 2) program.help({ error: true });
  // Of a command that there is not Commander shows the help of all, without a word.
  const isHelpOfNone = argv[2] === 'help' && argv[3] !== undefined && !commands.some(({ name }) => name === argv[3]);
  await program.parseAsync(isHelpOfNone ? argv.toSpliced(2, 1) : argv);
}

/** A full disk is a failure. That nobody reads on, as in `portico up | head`, is none: what was begun is done to its end. */
function outputFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`portico: the output cannot be written: ${error.message}\n`);
  process.exit(1);
}
process.stdout.on('error', outputFailed);

// The parts of a cluster end by a signal that leaves no time for it: what was compiled is kept for the next start early on, and
// what was loaded later too. A source that is not kept costs its process 18 MB, for the compiler that takes its types away.
for (const milliseconds of [3000, 30_000, 300_000]) setTimeout(flushCompileCache, milliseconds).unref();

const [node = '', program = '', ...args] = process.argv;

try {
  // What people ask of a program first is a command like the others.
  await main([node, program, ...(args[0] === '--version' ? ['version', ...args.slice(1)] : args)]);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { line, exitCode } = describeFailure(error);
    process.stderr.write(`portico: ${line}\n`);
    if (process.env.PORTICO_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = exitCode;
  }
}
// A pipe takes 64 KiB; the rest leaves when its reader comes to it.
if (process.stdout.errored) outputFailed(process.stdout.errored);
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
// Connections that are kept for further requests must not hold the program back.
process.exit();
