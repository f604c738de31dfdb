// Pods stay five minutes on a node that is not ready or unreachable, unless they say otherwise.
import type { Pod, Toleration } from '../../api/core/v1/types.generated.ts';
import type { AdmissionRequest } from './admission.ts';
import { is } from './matches.ts';

const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const tolerationSeconds = 300;

export function defaultTolerations(request: AdmissionRequest): void {
  // Also where a pod is replaced by its manifest, which names none: tolerations cannot be taken away.
  if (!is(request, 'pods', 'CREATE', 'UPDATE')) return;
  const { spec } = request.object as unknown as Pod;
  if (!spec) return;
  const present = spec.tolerations ?? [];
  const missing = keys.filter((key) => !present.some((toleration) => tolerates(toleration, key)));
  if (missing.length === 0) return;
  spec.tolerations = [
    ...present,
    ...missing.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds })),
  ];
}

function tolerates({ key, effect }: Toleration, wanted: string): boolean {
  return (!key || key === wanted) && (!effect || effect === 'NoExecute');
}
