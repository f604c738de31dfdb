// The names of time zones, as the files of a zone database are named.

/** Whether a zone is known by this very name: letters in another case, and offsets (`+01:00`), are none. */
export function isTimeZone(name: string): boolean {
  // All names begin so, and the engine takes them in any case.
  if (!/^[A-Z]/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    // Of another name of a zone the engine says only the first, so that its case is not known.
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
