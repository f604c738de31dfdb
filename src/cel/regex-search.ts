// Where matches of a regular expression lie: RE2 itself only tells whether there is one, and JavaScript's own engine may
// take exponential time. RE2's program is run over the text with all its threads at once, best first (as Go's regexp does).
import type { RE2JS } from '@bufbuild/re2';
import { CelBudgetError } from './errors.ts';

type Program = ReturnType<RE2JS['re2']>['prog'];
type Instruction = Program['inst'][number];

/** Codes of the instructions of @bufbuild/re2, which does not export them. */
const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  fail: 5,
  match: 6,
  nop: 7,
  anyRune: 10,
  anyButNewline: 11,
};

/** What holds between two characters: beginning and end of a line and of the text, and a word's edge. */
const edge = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, word: 16, noWord: 32 };

const newline = 10;

/** Threads that one call may look at in all: a second's worth. Many long searches for short matches would take quadratic time. */
const mostSteps = 20_000_000;

interface Thread {
  readonly pc: number;
  readonly start: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Matches that follow each other, as Go's FindAll has them: none is empty where the one before it ends. */
export function* matchesIn(text: string, pattern: RE2JS): Generator<string> {
  const search = new Search(text, pattern.re2().prog);
  let previousEnd = -1;
  for (let at = 0; at <= text.length; ) {
    const found = search.next(at);
    if (!found) return;
    const { start, end } = found;
    if (start < end || end !== previousEnd) yield text.slice(start, end);
    at = start < end ? end : end + widthAt(text, end);
    previousEnd = end;
  }
}

class Search {
  readonly #text: string;
  readonly #program: Program;
  #steps = 0;

  constructor(text: string, program: Program) {
    this.#text = text;
    this.#program = program;
  }

  /** The leftmost match that begins at an offset or after it; of several there the one that the pattern prefers. */
  next(from: number): Span | undefined {
    const text = this.#text;
    let found: Span | undefined;
    let pending: Thread[] = [];
    for (let at = from; at <= text.length; at += widthAt(text, at)) {
      if (!found) pending.push({ pc: this.#program.start, start: at });
      const char = text.codePointAt(at);
      const following: Thread[] = [];
      for (const { instruction, start } of this.#expanded(pending, edgesAt(text, at))) {
        if (instruction.op === op.match) {
          // What comes after is worse.
          found = { start, end: at };
          break;
        }
        if (char !== undefined && takes(instruction, char)) following.push({ pc: instruction.out, start });
      }
      pending = following;
      if (found && pending.length === 0) break;
    }
    return found;
  }

  /** Threads up to the characters that they wait for. */
  #expanded(threads: readonly Thread[], edges: number): { instruction: Instruction; start: number }[] {
    const seen = new Set<number>();
    const waiting: { instruction: Instruction; start: number }[] = [];
    const stack: Thread[] = threads.toReversed();
    for (let thread = stack.pop(); thread; thread = stack.pop()) {
      const { pc, start } = thread;
      if (seen.has(pc)) continue;
      seen.add(pc);
      if (++this.#steps > mostSteps) throw new CelBudgetError();
      const instruction = this.#program.getInst(pc);
      const { out, arg } = instruction;
      switch (instruction.op) {
        case op.alt:
        case op.altMatch:
          stack.push({ pc: arg, start }, { pc: out, start });
          break;
        case op.capture:
        case op.nop:
          stack.push({ pc: out, start });
          break;
        case op.emptyWidth:
          if ((arg & ~edges) === 0) stack.push({ pc: out, start });
          break;
        case op.fail:
          break;
        default:
          waiting.push({ instruction, start });
      }
    }
    return waiting;
  }
}

function takes(instruction: Instruction, char: number): boolean {
  if (instruction.op === op.anyRune) return true;
  return instruction.op === op.anyButNewline ? char !== newline : instruction.matchRune(char);
}

function edgesAt(text: string, at: number): number {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  let edges = isWord(before) === isWord(after) ? edge.noWord : edge.word;
  if (at === 0) edges |= edge.beginText | edge.beginLine;
  if (at === text.length) edges |= edge.endText | edge.endLine;
  if (before === newline) edges |= edge.beginLine;
  if (after === newline) edges |= edge.endLine;
  return edges;
}

/** Of ASCII only. */
function isWord(char: number): boolean {
  return (char >= 48 && char <= 57) || (char >= 65 && char <= 90) || char === 95 || (char >= 97 && char <= 122);
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
