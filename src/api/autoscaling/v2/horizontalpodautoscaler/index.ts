import type { Kind } from '../../../define.ts';
import type { HorizontalPodAutoscaler } from '../types.generated.ts';
import { cells, columns } from './columns.ts';
import { defaultAutoscaler } from './defaults.ts';
import { validateAutoscaler, validateAutoscalerStatus } from './validation.ts';

export const horizontalPodAutoscaler: Kind<HorizontalPodAutoscaler> = {
  emptyStatus: () => ({ desiredReplicas: 0, currentMetrics: null }),
  strategy: {
    default: defaultAutoscaler,
    validate: validateAutoscaler,
    validateUpdate: validateAutoscaler,
    validateStatusUpdate: validateAutoscalerStatus,
  },
  columns,
  cells,
};
