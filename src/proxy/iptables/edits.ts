// Who else writes to our chains. xtables-monitor tells of each chain and rule that is touched, then of the generation that this
// made of the tables: one for each table that an iptables-restore writes.
import { chains, isServiceChain } from './names.ts';

const constant: ReadonlySet<string> = new Set(Object.values(chains));

const builtIn = /^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/;

/** The chain that a line tells of, and what was done to it: ` EVENT: -4 -t nat -D KUBE-SERVICES …`. */
function subjectOf(line: string): { readonly verb: string; readonly chain: string; readonly rest: string } | undefined {
  const match = / -t \S+ -([A-Z]) (\S+)(.*)$/.exec(line);
  return match ? { verb: match[1]!, chain: match[2]!, rest: match[3]! } : undefined;
}

/** Tells our transactions on our chains from those of others. */
export class Edits {
  #ours = 0;
  #touched = false;

  /** We are about to write so many tables; those in which nothing changes make no generation. */
  announce(tables: number): void {
    this.#ours += tables;
  }

  /** All that was announced was heard of, or never will be. */
  settle(): void {
    this.#ours = 0;
    this.#touched = false;
  }

  /** Takes in a line of the monitor; true when it tells that someone else changed what is ours. */
  read(line: string): boolean {
    if (!line.startsWith('NEWGEN:')) {
      const subject = subjectOf(line);
      if (!subject) return false;
      const { verb, chain, rest } = subject;
      // These we never do while we run.
      if (verb === 'X' && chain === chains.canary) return true;
      if (builtIn.test(chain)) return verb === 'D' && / -j KUBE-/.test(rest);
      this.#touched ||= constant.has(chain) || isServiceChain(chain);
      return false;
    }
    const touched = this.#touched;
    this.#touched = false;
    if (!touched) return false;
    if (this.#ours === 0) return true;
    this.#ours -= 1;
    return false;
  }
}
