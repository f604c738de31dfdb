/** A text of a path or a header without its percent-encoding; one that is wrongly encoded stays as it is, as with Go's servers. */
export function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
