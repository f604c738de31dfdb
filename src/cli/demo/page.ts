// How the demo talks: numbered headings, indented lines, bars.
import type { Tally } from './answers.ts';

export interface PageOutput {
  /** Of a terminal: whether it shows colors, and its user wants them (NO_COLOR). */
  hasColors?(): boolean;
  write(text: string): unknown;
}

export class Page {
  readonly #output: PageOutput;
  #chapter = 0;

  constructor(output: PageOutput) {
    this.#output = output;
  }

  chapter(title: string): void {
    this.#chapter += 1;
    this.#output.write(`\n${this.#style('1', `${this.#chapter}. ${title}`)}\n`);
  }

  /** Each line of the text, indented. */
  lines(text: string): void {
    for (const line of text.split('\n')) this.#output.write(line === '' ? '\n' : `   ${line}\n`);
  }

  /** A command that was run and what it said. */
  transcript(text: string): void {
    const [command = '', ...output] = text.split('\n');
    this.lines([this.#style('36', command), ...output].join('\n'));
  }

  label(name: string, text: string): void {
    const [first = '', ...rest] = text.split('\n');
    this.lines([`${name.padEnd(15)} ${first}`, ...rest.map((line) => `${''.padEnd(15)} ${line}`)].join('\n'));
  }

  /** Who answered how often. */
  tally(
    what: string,
    { asked, answered, pods, sources }: Tally,
    options: { readonly showSources?: boolean } = {},
  ): void {
    const seen = options.showSources && sources.length > 0 ? `; the pods saw ${sources.join(', ')}` : '';
    this.lines(`${what}: ${answered} of ${asked} answered${seen}`);
    const most = Math.max(1, ...pods.map((p) => p.count));
    for (const { pod, count } of pods) {
      this.lines(
        `  ${pod.padEnd(24)} ${String(count).padStart(4)}  ${this.#style('32', '█'.repeat(Math.max(1, Math.round((count / most) * 30))))}`,
      );
    }
  }

  #style(code: string, text: string): string {
    return this.#output.hasColors?.() ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}
