// Pieces that cells of `kubectl get` share.

/** `a=b,c=d` in order of the keys, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, value]) => `${key}=${value}`).join(',') || '<none>';
}

/** The first three texts, joined by commas, and how many more there are; `none` where there are none. */
export function firstFew(texts: readonly string[], none: string): string {
  if (texts.length === 0) return none;
  const more = texts.length - 3;
  return more > 0 ? `${texts.slice(0, 3).join(',')} + ${more} more...` : texts.join(',');
}
