// How long kubelets may keep what they have read, by the size of the cluster (upstream pkg/controller/ttl): pure.

export const ttlAnnotation = 'node.alpha.kubernetes.io/ttl';

/** From `fewest` nodes to `most`; the overlap keeps a cluster at an edge from going to and fro. */
const steps = [
  { fewest: 0, most: 100, seconds: 0 },
  { fewest: 90, most: 500, seconds: 15 },
  { fewest: 450, most: 1000, seconds: 30 },
  { fewest: 900, most: 2000, seconds: 60 },
  { fewest: 1800, most: Number.POSITIVE_INFINITY, seconds: 300 },
] as const;

/** The step for so many nodes, from the one that held so far. */
export function nextStep(step: number, nodes: number): number {
  let next = step;
  while (nodes > (steps[next]?.most ?? Number.POSITIVE_INFINITY)) next += 1;
  while (next > 0 && nodes < (steps[next]?.fewest ?? 0)) next -= 1;
  return next;
}

/** What the annotation says at a step. */
export function secondsOf(step: number): number {
  return steps[step]?.seconds ?? 0;
}
