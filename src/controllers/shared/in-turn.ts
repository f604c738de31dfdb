/** Acts on one after the other, also after one that failed. Rejects with the first failure when all have had their turn. */
export async function inTurn<T>(items: Iterable<T>, act: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) await act(item).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
