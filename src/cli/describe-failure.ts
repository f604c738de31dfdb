import { cannotListen } from '../cluster/cannot-listen.ts';
import { Failure } from '../cluster/failure.ts';

/** The one line that the user sees of whatever a command threw, and the exit code that goes with it. */
export function describeFailure(error: unknown): { line: string; exitCode: number } {
  const exitCode = error instanceof Failure ? error.exitCode : 1;
  const text = cannotListen(error) ?? (error instanceof Error ? error.message || error.name : String(error));
  return { line: text.trim().replace(/\s*\n\s*/g, ' '), exitCode };
}
