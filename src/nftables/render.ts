// The text of tables and transactions, as `nft -f` reads it. Names are not quoted, and comments not escaped: both are ours.
import type { Chain, KeyPart, Rule, SetDeclaration, Statement, Table, Verdict } from './ruleset.ts';
import type { Operation, Transaction } from './transaction.ts';

function verdict(value: Verdict): string {
  return 'chain' in value ? `${value.kind} ${value.chain}` : value.kind;
}

function keyPart(part: KeyPart): string {
  if (typeof part === 'string') return part;
  return `numgen random mod ${part.mod}${part.offset > 0 ? ` offset ${part.offset}` : ''}`;
}

function key(parts: readonly KeyPart[]): string {
  return parts.map(keyPart).join(' . ');
}

function mark(bits: number): string {
  return `0x${bits.toString(16)}`;
}

function values(list: readonly string[]): string {
  return list.length === 1 ? list[0]! : `{ ${list.join(', ')} }`;
}

function statement(s: Statement): string {
  switch (s.kind) {
    case 'match':
      return `${s.field} ${s.op === '!=' ? '!= ' : ''}${values(s.values)}`;
    case 'lookup':
      return `${key(s.key)} ${s.op === '!=' ? '!= ' : ''}@${s.set}`;
    case 'vmap':
      return `${key(s.key)} vmap @${s.map}`;
    case 'random':
      return `numgen random mod ${s.verdicts.length} vmap { ${s.verdicts.map((v, i) => `${i} : ${verdict(v)}`).join(', ')} }`;
    case 'match-mark':
      return `meta mark & ${mark(s.bits)} != 0`;
    case 'mark':
      return `meta mark set meta mark ${s.op} ${mark(s.bits)}`;
    case 'dnat-map':
      // With the set of protocols spelt out, nft lets `th dport` stand for all of them.
      return `meta l4proto { tcp, udp, sctp } dnat ${s.family} to ${key(s.key)} map @${s.map}`;
    case 'dnat':
      return `dnat ${s.family} to ${s.family === 'ip6' ? `[${s.address}]` : s.address}:${s.port}`;
    case 'masquerade':
      return 'masquerade fully-random';
    case 'update':
      return `update @${s.set} { ${key(s.key)} }`;
    default:
      return verdict(s);
  }
}

/** One rule as nft prints it, without the chain. */
export function renderRule(rule: Rule): string {
  const text = rule.statements.map(statement).join(' ');
  return rule.comment ? `${text} comment "${rule.comment}"` : text;
}

function declarationLines(set: SetDeclaration): string[] {
  return [
    set.type,
    ...(set.flags ? [`flags ${set.flags.join(', ')}`] : []),
    ...(set.timeoutSeconds === undefined ? [] : [`timeout ${set.timeoutSeconds}s`]),
    ...(set.comment ? [`comment "${set.comment}"`] : []),
  ];
}

function chainLines(chain: Chain): string[] {
  const { hook } = chain;
  return [
    ...(hook ? [`type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy accept;`] : []),
    ...(chain.comment ? [`comment "${chain.comment}"`] : []),
  ];
}

function elementText(elementKey: string, value: string): string {
  return value === '' ? elementKey : `${elementKey} : ${value}`;
}

/** A set as it stands in the block of its table; nft adds the elements of several blocks of one set. */
export function renderSet(declaration: SetDeclaration, elements: Iterable<readonly [string, string]>): string {
  const lines = declarationLines(declaration).map((line) => `\t\t${line}\n`);
  let list = '';
  for (const [k, value] of elements) list += `\t\t\t${elementText(k, value)},\n`;
  const own = list === '' ? '' : `\t\telements = {\n${list}\t\t}\n`;
  return `\t${declaration.kind} ${declaration.name} {\n${lines.join('')}${own}\t}\n`;
}

function chainBlock(chain: Chain): string {
  const lines = [...chainLines(chain), ...chain.rules.map(renderRule)];
  return `\tchain ${chain.name} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
}

/** The first line of a table's block, with its comment. What ends before {@link renderTableEnd} is an error to nft. */
export function renderTableStart({ family, name, comment }: TableName): string {
  return `table ${family} ${name} {\n${comment ? `\tcomment "${comment}"\n` : ''}`;
}

type TableName = Pick<Table, 'family' | 'name' | 'comment'>;

/** The rest of a table's block: sets before the chains that use them. */
export function renderTableEnd({ sets, chains }: Pick<Table, 'sets' | 'chains'>): string {
  const blocks = [...sets.values()].map(({ declaration, elements }) => renderSet(declaration, elements));
  for (const chain of chains.values()) blocks.push(chainBlock(chain));
  return `${blocks.join('')}}\n`;
}

/** A table as one block. */
export function renderTable(table: Table): string {
  return renderTableStart(table) + renderTableEnd(table);
}

/** Takes a table away whether or not it is there: adding it first lets the deletion succeed. */
export function renderRemoval({ family, name }: Omit<TableName, 'comment'>): string {
  return `add table ${family} ${name}\ndelete table ${family} ${name}\n`;
}

function inBraces(lines: readonly string[]): string {
  return lines.length === 0 ? '' : ` { ${lines.map((line) => (line.endsWith(';') ? line : `${line} ;`)).join(' ')} }`;
}

function operation(where: string, o: Operation): string {
  switch (o.op) {
    case 'replace-table':
      // All of it is one step to the kernel.
      return renderRemoval(o.table) + renderTable(o.table);
    case 'delete-table':
      return `delete table ${where}\n`;
    case 'add-set':
      return `add ${o.set.kind} ${where} ${o.set.name}${inBraces(declarationLines(o.set))}\n`;
    case 'delete-set':
      return `delete ${o.set.kind} ${where} ${o.set.name}\n`;
    case 'add-chain':
      return `add chain ${where} ${o.chain.name}${inBraces(chainLines(o.chain))}\n`;
    case 'flush-chain':
      return `flush chain ${where} ${o.chain}\n`;
    case 'delete-chain':
      return `delete chain ${where} ${o.chain}\n`;
    case 'add-rules':
      return o.rules.map((rule) => `add rule ${where} ${o.chain} ${renderRule(rule)}\n`).join('');
    case 'add-elements':
      return `add element ${where} ${o.set} { ${o.elements.map(([k, value]) => elementText(k, value)).join(', ')} }\n`;
    case 'delete-elements':
      return `delete element ${where} ${o.set} { ${o.keys.join(', ')} }\n`;
  }
}

/** A script for `nft -f`; several transactions rendered one after another are still one step to the kernel. */
export function renderTransaction({ family, table, operations }: Transaction): string {
  const where = `${family} ${table}`;
  return operations.map((o) => operation(where, o)).join('');
}
