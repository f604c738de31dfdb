// Reads what `iptables-save` prints, as far as a proxier needs it: which chains there are, and who jumps where.

export interface SavedTable {
  readonly name: string;
  /** The arguments of each chain's rules, in order and as printed. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

/** The tables of a save, in order. Lines that are neither table, chain nor rule are passed over. */
export function parseSave(text: string): SavedTable[] {
  const tables: { name: string; chains: Map<string, string[]> }[] = [];
  for (const line of text.split('\n')) {
    const table = tables.at(-1);
    if (line.startsWith('*')) {
      tables.push({ name: line.slice(1).trim(), chains: new Map() });
    } else if (line.startsWith(':') && table) {
      table.chains.set(line.slice(1, line.indexOf(' ')), []);
    } else if (line.startsWith('-A ') && table) {
      const space = line.indexOf(' ', 3);
      const chain = space < 0 ? line.slice(3) : line.slice(3, space);
      table.chains.get(chain)?.push(space < 0 ? '' : line.slice(space + 1));
    }
  }
  return tables;
}

/** The chain a saved rule leads to, or the name of its target; undefined for a rule without one. */
export function targetOf(savedRule: string): string | undefined {
  return /(?:^| )-[jg] (\S+)/.exec(savedRule)?.[1];
}

/** The comment of a saved rule, without its quotes. */
export function commentOf(savedRule: string): string | undefined {
  const found = /--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(savedRule);
  return found?.[1] ?? found?.[2];
}
