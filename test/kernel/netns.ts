// A network namespace of a test's own, and programs run in it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import type { Exec } from '../../src/system/exec.ts';
import type { Follow } from '../../src/system/follow.ts';
import { realExec } from '../../src/system/real/exec.ts';
import { realFollow } from '../../src/system/real/follow.ts';
import { mortal } from '../fixtures/mortal.ts';

export class TestNamespace {
  readonly name: string;
  readonly exec: Exec;
  readonly follow: Follow;
  readonly #children: ChildProcess[] = [];

  /** `purpose` is part of the name, with the process id, so that no two tests meet. */
  constructor(purpose: string) {
    this.name = `ptest-${purpose}-${process.pid}`;
    execFileSync('ip', ['netns', 'add', this.name]);
    this.exec = { run: (command, options) => realExec.run(this.inside(command), options) };
    this.follow = {
      lines: (command, signal) => realFollow.lines(this.inside(command), signal),
      bytes: (command, signal) => realFollow.bytes(this.inside(command), signal),
      converse: (command, options) => realFollow.converse(this.inside(command), options),
    };
    this.run('ip link set lo up');
  }

  inside(command: readonly string[]): string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`, ...command];
  }

  /** Runs a command line without quotes in it, and gives its output; throws when it fails. */
  run(line: string, input?: string): string {
    const [program = '', ...args] = this.inside(line.split(' '));
    return execFileSync(program, args, { encoding: 'utf8', input: input ?? '', stdio: ['pipe', 'pipe', 'pipe'] });
  }

  start(command: readonly string[]): ChildProcess {
    const [program, ...args] = [...mortal, ...this.inside(command)];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    return child;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    execFileSync('ip', ['netns', 'del', this.name]);
  }
}
