import type { Exec, ExecOptions, ExecResult } from '../exec.ts';

/** An input that comes in pieces, all at once. */
export function wholeInput(input: ExecOptions['input'] = ''): string | Uint8Array {
  return typeof input === 'string' || input instanceof Uint8Array ? input : [...input].join('');
}

export interface RecordedCommand {
  readonly command: readonly string[];
  readonly input: string;
}

/** Answers programs from a function and remembers what was run. */
export class FakeExec implements Exec {
  readonly commands: RecordedCommand[] = [];
  readonly #answer: (command: RecordedCommand) => Partial<ExecResult>;

  constructor(answer: (command: RecordedCommand) => Partial<ExecResult> = () => ({})) {
    this.#answer = answer;
  }

  async run(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const recorded = { command, input: Buffer.from(wholeInput(options.input)).toString() };
    this.commands.push(recorded);
    return { code: 0, stdout: '', stderr: '', ...this.#answer(recorded) };
  }
}
