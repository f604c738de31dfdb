// The emulated machine: a kernel that has what this one's may not, in software (no KVM), answering over a serial line.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Exec, ExecResult } from '../../src/system/exec.ts';
import { wholeInput } from '../../src/system/fake/exec.ts';
import { mortal } from '../fixtures/mortal.ts';
import { type ImageOptions, makeImage } from './image.ts';

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** How long the machine may take to boot, and to answer once, in milliseconds: it may share two cores with much else. */
const bootPatience = 500_000;
const answerPatience = 500_000;

export class Machine {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  private constructor(folder: string, options: ImageOptions) {
    this.#folder = folder;
    const { kernel, initramfs } = makeImage(folder, options);
    const serial = [
      ...['-serial', `file:${this.#consoleFile}`, '-serial', 'stdio'],
      ...['-chardev', `socket,id=bridge,path=${this.bridgeSocket},server=on,wait=off`],
      // The first line's interrupt is what a third one has by default.
      ...['-device', 'isa-serial,chardev=bridge,index=2,irq=5'],
    ];
    const [setpriv, ...own] = mortal;
    this.#process = spawn(
      setpriv,
      [
        ...[...own, 'qemu-system-x86_64'],
        ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '768', '-display', 'none'],
        ...['-monitor', 'none', '-nic', 'none', '-no-reboot', '-kernel', kernel, '-initrd', initramfs],
        ...['-append', 'console=ttyS0 panic=-1 mitigations=off nokaslr random.trust_cpu=on', ...serial],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.#process.once('error', (error) => this.#fail(error.message));
    this.#process.once('exit', (code) => this.#fail(`the machine ended (${code}): ${this.#consoleEnd()}`));
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#receive(line));
  }

  /** Boots one; rejects with the last lines of its console when it does not answer in time. */
  static async boot(options: ImageOptions): Promise<Machine> {
    const machine = new Machine(mkdtempSync(join(tmpdir(), 'portico-machine-')), options);
    const up = Promise.withResolvers<unknown>();
    machine.#waiting.set(0, up);
    try {
      await machine.#patiently(up.promise, bootPatience);
    } catch (error) {
      machine.close();
      throw error;
    }
    return machine;
  }

  /** Programs of the machine; `prefix` (`nsenter …`) is put before every command. */
  exec(prefix: readonly string[] = []): Exec {
    return {
      run: async (command, { input, env } = {}) => {
        const result = await this.call<ExecResult & { missing?: string }>('run', {
          command: [...prefix, ...command],
          input: Buffer.from(wholeInput(input)).toString(),
          env,
        });
        if (result.missing === undefined) return result;
        throw Object.assign(new Error(`spawn ${result.missing} ENOENT`), { code: 'ENOENT' });
      },
    };
  }

  /** Path here of the third serial line; the agent's `bridge` joins it to a socket there, for one connection. */
  get bridgeSocket(): string {
    return join(this.#folder, 'bridge');
  }

  /** One of the agent's operations; rejects with what it says when it failed. */
  async call<T>(operation: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    this.#last += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#last, waiting);
    this.#process.stdin!.write(`${JSON.stringify({ id: this.#last, operation, arguments: args })}\n`);
    return (await this.#patiently(waiting.promise, answerPatience)) as T;
  }

  close(): void {
    this.#process.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #receive(line: string): void {
    const answer = JSON.parse(line) as Answer;
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting?.resolve(answer.result);
    else waiting?.reject(new Error(answer.error));
  }

  async #patiently(answer: Promise<unknown>, patience: number): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`no answer within ${patience} ms: ${this.#consoleEnd()}`)),
      patience,
    );
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(message: string): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(message));
    this.#waiting.clear();
  }

  get #consoleFile(): string {
    return join(this.#folder, 'console');
  }

  #consoleEnd(): string {
    try {
      return readFileSync(this.#consoleFile, 'utf8').slice(-2000);
    } catch {
      return 'no console';
    }
  }
}
