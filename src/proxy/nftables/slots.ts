// Which number each endpoint has in the shared map. Numbers stay, so that a change of one endpoint changes one element.

/**
 * Numbers for the wanted items: those that had one below the new count keep it, the rest fill the gaps in their order. So
 * the last one takes the place of one that went. Without earlier numbers the order is that of `wanted`.
 */
export function assignSlots(previous: readonly string[], wanted: readonly string[]): readonly string[] {
  if (previous.length === 0) return wanted;
  const missing = new Set(wanted);
  const slots: (string | undefined)[] = [];
  for (let i = 0; i < wanted.length; i += 1) {
    const item = previous[i];
    slots.push(item !== undefined && missing.delete(item) ? item : undefined);
  }
  const rest = missing.values();
  return slots.map((item) => item ?? rest.next().value!);
}
