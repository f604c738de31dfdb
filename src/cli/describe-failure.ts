import { cannotListen } from '../cluster/cannot-listen.ts';
import { Failure } from '../cluster/failure.ts';

/** A file that only root may read or write; undefined for whatever else was thrown. */
function mayNotOpen(error: unknown): string | undefined {
  if (process.getuid?.() === 0 || !(error instanceof Error)) return undefined;
  const { code, path } = error as NodeJS.ErrnoException;
  return code === 'EACCES' && path !== undefined ? `${error.message}: run it with sudo` : undefined;
}

/** The one line that the user sees of whatever a command threw, and the exit code that goes with it. */
export function describeFailure(error: unknown): { line: string; exitCode: number } {
  const exitCode = error instanceof Failure ? error.exitCode : 1;
  const text =
    cannotListen(error) ?? mayNotOpen(error) ?? (error instanceof Error ? error.message || error.name : String(error));
  return { line: text.trim().replace(/\s*\n\s*/g, ' '), exitCode };
}

/** Of a command that ends with 1 where it found something, as `diff` and `grep` do: whatever goes wrong is 2, and names the command. */
export function trouble(command: string, error: unknown): Failure {
  const { line, exitCode } = describeFailure(error);
  const text = line.startsWith(`${command}: `) ? line : `${command}: ${line}`;
  return new Failure(text, { exitCode: Math.max(2, exitCode), cause: error });
}
