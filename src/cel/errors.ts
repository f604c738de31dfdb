// What can be wrong with an expression, in cel-go's words.

/** One complaint about the source. */
export interface Issue {
  /** Offset into the source; -1 for the expression as a whole. */
  readonly at: number;
  readonly message: string;
}

/** `ERROR: <input>:1:5: undefined field 'x'`, and below it the line with a mark. */
function printIssue(source: string, { at, message }: Issue): string {
  if (at < 0) return `ERROR: <input>:-1:0: ${message}`;
  const line = source.slice(0, at).split('\n').length;
  const start = at === 0 ? 0 : source.lastIndexOf('\n', at - 1) + 1;
  const end = source.indexOf('\n', at);
  const text = source.slice(start, end < 0 ? source.length : end).replaceAll('\t', ' ');
  const before = [...source.slice(start, at)];
  // What takes more than a byte is marked by wide characters.
  const isWide = (char: string | undefined) => char !== undefined && char > '\x7f';
  const dots = before.map((char) => (isWide(char) ? '．' : '.')).join('');
  const mark = isWide([...source.slice(at, at + 2)][0]) ? '＾' : '^';
  return `ERROR: <input>:${line}:${before.length + 1}: ${message}\n | ${text}\n | ${dots}${mark}`;
}

/** Beyond so many complaints about an expression, their number is said. */
const mostIssues = 100;

export function printIssues(source: string, issues: readonly Issue[]): string {
  const sorted = issues.slice(0, mostIssues).sort((a, b) => a.at - b.at);
  const printed = sorted.map((issue) => printIssue(source, issue));
  if (issues.length > mostIssues) printed.push(`${issues.length - mostIssues} more errors were truncated`);
  return printed.join('\n');
}

/** The source is no expression. */
export class CelSyntaxError extends Error {
  readonly issue: Issue;

  constructor(issue: Issue) {
    super(issue.message);
    this.name = 'CelSyntaxError';
    this.issue = issue;
  }
}

/** Evaluation came upon something that has no value: `no such key: x`, `divide by zero`. Logic operators may absorb it. */
export class CelError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CelError';
  }
}

/** Evaluation cost more than it may; nothing absorbs this. */
export class CelBudgetError extends Error {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
    this.name = 'CelBudgetError';
  }
}
