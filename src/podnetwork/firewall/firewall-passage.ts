// The shell: looks at the machine's other firewalls and keeps pods' packets passing those that drop what they do not know.
import type { Exec } from '../../system/exec.ts';
import { Turns } from '../../system/turns.ts';
import type { Accept } from './accepts.ts';
import { iptablesChanges, iptablesRemoval } from './iptables.ts';
import { foreignChains, hasIptablesTable, nftablesChanges } from './nftables.ts';

const iptablesKinds = [
  { program: 'iptables', family: 'ip', names: '/proc/net/ip_tables_names' },
  { program: 'ip6tables', family: 'ip6', names: '/proc/net/ip6_tables_names' },
] as const;

export class FirewallPassage {
  readonly #exec: Exec;
  /** What is written goes by what was listed: two at once would each put in what is missing, or one what the other takes out. */
  readonly #turns = new Turns();

  constructor(exec: Exec) {
    this.#exec = exec;
  }

  /**
   * Costs one listing of chains where there is no other firewall, and resolves with it. Rejects with what a program
   * complained about.
   */
  ensure(accepts: readonly Accept[]): Promise<string> {
    return this.#turns.take(() => this.#ensure(accepts));
  }

  /** Takes away all of it. */
  remove(): Promise<void> {
    return this.#turns.take(() => this.#remove());
  }

  async #ensure(accepts: readonly Accept[]): Promise<string> {
    const chains = await this.#nftables(accepts);
    for (const { listing, restore, family } of await this.#iptables(chains)) {
      const own = accepts.filter((accept) => (accept.family === 'IPv4') === (family === 'ip'));
      const document = iptablesChanges(listing, own);
      if (document !== undefined) await this.#output(restore, document);
    }
    return chains;
  }

  async #remove(): Promise<void> {
    const chains = await this.#nftables([]);
    for (const { listing, restore } of await this.#iptables(chains)) {
      const document = iptablesRemoval(listing);
      if (document !== undefined) await this.#output(restore, document);
    }
  }

  /** Puts right the tables of nftables; resolves with the listing of chains. */
  async #nftables(accepts: readonly Accept[]): Promise<string> {
    const chains = await this.#output(['nft', '-j', 'list', 'chains']);
    for (const chain of foreignChains(chains)) {
      const table = await this.#output(['nft', '-jt', 'list', 'table', chain.family, chain.table]);
      const script = nftablesChanges(chain, table, accepts);
      if (script !== '') await this.#output(['nft', '-f', '-'], script);
    }
    return chains;
  }

  /** The tables `filter` of both backends and families that are there: asking for one that is not would make it. */
  async #iptables(chains: string) {
    const found: { listing: string; restore: readonly string[]; family: 'ip' | 'ip6' }[] = [];
    for (const { program, family, names } of iptablesKinds) {
      const { stdout } = await this.#exec.run(['cat', names]);
      const isLegacy = stdout.split('\n').includes('filter');
      const backends = [...(hasIptablesTable(chains, family) ? ['nft'] : []), ...(isLegacy ? ['legacy'] : [])];
      for (const backend of backends) {
        const listing = await this.#output([`${program}-${backend}`, '-w', '-S']);
        found.push({ listing, family, restore: [`${program}-${backend}-restore`, '-w', '--noflush'] });
      }
    }
    return found;
  }

  async #output(command: readonly string[], input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.#exec.run(command, input === undefined ? {} : { input });
    if (code !== 0) throw new Error(`${command[0]}: ${stderr.trim().split('\n')[0]}`);
    return stdout;
  }
}
