/** Lets everything that waits only for other promises run to its end: `rounds` turns of the event loop. */
export async function settle(rounds = 50): Promise<void> {
  for (let i = 0; i < rounds; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
