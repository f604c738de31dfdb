// What the demo's pods answer, and counting it.

export interface Answer {
  readonly pod: string;
  readonly ip: string;
  /** The address that the pod saw the request come from. */
  readonly source: string;
}

/** `nginx-7d9f-abcde 10.244.1.2 sees 10.244.2.3`; undefined for anything else. */
export function parseAnswer(line: string): Answer | undefined {
  const match = /^(\S+) (\S+) sees (\S+)$/.exec(line.trim());
  return match?.[1] && match[2] && match[3] ? { pod: match[1], ip: match[2], source: match[3] } : undefined;
}

export interface Tally {
  readonly asked: number;
  readonly answered: number;
  /** Answers by pod, most first. */
  readonly pods: readonly { readonly pod: string; readonly count: number }[];
  readonly sources: readonly string[];
}

export function tally(asked: number, lines: readonly string[]): Tally {
  const answers = lines.map(parseAnswer).filter((a) => a !== undefined);
  const counts = new Map<string, number>();
  for (const { pod } of answers) counts.set(pod, (counts.get(pod) ?? 0) + 1);
  const pods = [...counts].map(([pod, count]) => ({ pod, count }));
  return {
    asked,
    answered: answers.length,
    pods: pods.sort((a, b) => b.count - a.count || (a.pod < b.pod ? -1 : 1)),
    sources: [...new Set(answers.map((a) => a.source))].sort(),
  };
}

/** One ask of the steady client: seconds at which it began and ended, and the answer's line (`-` where none came). */
export interface TimedAsk {
  readonly began: number;
  readonly ended: number;
  readonly answer: Answer | undefined;
}

/** Lines `BEGAN ENDED ANSWER…` as the steady client prints them. */
export function parseTimedAsks(text: string): TimedAsk[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+\.\d+) (\d+\.\d+) (.*)$/.exec(line);
    return match ? [{ began: Number(match[1]), ended: Number(match[2]), answer: parseAnswer(match[3] ?? '') }] : [];
  });
}

/** The longest time, in seconds, between two answers that followed each other. */
export function longestGap(asks: readonly TimedAsk[]): number {
  const times = asks
    .filter((a) => a.answer)
    .map((a) => a.ended)
    .sort((a, b) => a - b);
  return times.reduce((longest, time, i) => Math.max(longest, time - (times[i - 1] ?? time)), 0);
}
