// How nft tells of tables that someone deletes.

/** Tells of tables that come and go. (nft 1.1.3 does not take `destroy` in it, which would leave out those that come.) */
export const tableMonitor: readonly string[] = ['nft', 'monitor', 'tables'];

/** Whether a line of it tells that a table of this name went, of whichever family. */
export function isDeletionOf(name: string, line: string): boolean {
  return line.startsWith('delete table ') && line.endsWith(` ${name}`);
}
