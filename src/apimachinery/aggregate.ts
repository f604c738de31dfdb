/** Several texts as Kubernetes prints several errors (utilerrors.Aggregate): each once; one alone without brackets. */
export function aggregate(texts: readonly string[]): string {
  const unique = [...new Set(texts)];
  return unique.length > 1 ? `[${unique.join(', ')}]` : (unique[0] ?? '');
}
