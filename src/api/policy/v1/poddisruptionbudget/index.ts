import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { PodDisruptionBudget } from '../types.generated.ts';
import { validatePodDisruptionBudget, validatePodDisruptionBudgetStatus } from './validation.ts';

export const podDisruptionBudget: Kind<PodDisruptionBudget> = {
  countsGeneration: true,
  // Everything else would let a budget be lost between a read and a write of its status.
  allowUnconditionalUpdate: false,
  emptyStatus: () => ({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }),
  strategy: {
    validate: validatePodDisruptionBudget,
    validateUpdate: validatePodDisruptionBudget,
    validateStatusUpdate: validatePodDisruptionBudgetStatus,
  },
  columns: [
    nameColumn,
    column('Min Available', 'How many Pods must stay.'),
    column('Max Unavailable', 'How many may go.'),
    column('Allowed Disruptions', 'How many may go now.', { type: 'integer' }),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    String(object.spec?.minAvailable ?? 'N/A'),
    String(object.spec?.maxUnavailable ?? 'N/A'),
    object.status?.disruptionsAllowed ?? 0,
    ageCell(object, now),
  ],
};
