// What two texts do not share, line by line, in the order in which each has it.

export interface TextChange {
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export function lineChanges(before: readonly string[], after: readonly string[]): TextChange {
  const [old, now] = [new Set(before), new Set(after)];
  return { removed: before.filter((line) => !now.has(line)), added: after.filter((line) => !old.has(line)) };
}

/** `- ` what goes, then `+ ` what comes. */
export function changeLines({ removed, added }: TextChange): string[] {
  return [...removed.map((line) => `- ${line.trim()}`), ...added.map((line) => `+ ${line.trim()}`)];
}
