// Pods stay five minutes on a node that is not ready or unreachable, unless they say otherwise.
import type { Pod, Toleration } from '../../api/core/v1/types.generated.ts';
import type { AdmissionRequest } from './admission.ts';

const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
const tolerationSeconds = 300;

export function defaultTolerations({ definition, operation, subresource, object }: AdmissionRequest): void {
  if (definition.group !== '' || definition.resource !== 'pods' || subresource !== '' || !object) return;
  if (operation !== 'CREATE') return;
  const { spec } = object as unknown as Pod;
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
