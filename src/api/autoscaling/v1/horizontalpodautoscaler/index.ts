import type { KubeObject } from '../../../../apimachinery/object.ts';
import type { Kind } from '../../../define.ts';
import { cells, columns } from '../../v2/horizontalpodautoscaler/columns.ts';
import { usualUtilization } from '../../v2/horizontalpodautoscaler/defaults.ts';
import { validateAutoscaler, validateAutoscalerStatus } from '../../v2/horizontalpodautoscaler/validation.ts';
import type { HorizontalPodAutoscaler as Stored } from '../../v2/types.generated.ts';
import type { HorizontalPodAutoscaler } from '../types.generated.ts';
import { autoscalerFromV2, autoscalerToV2 } from './conversion.ts';

/** Another view of the autoscalers of autoscaling/v2. */
export const horizontalPodAutoscalerV1: Kind<HorizontalPodAutoscaler> = {
  emptyStatus: () => ({ currentReplicas: 0, desiredReplicas: 0 }),
  storage: {
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    fromStorage: (objects) => objects.map((object) => autoscalerFromV2(object as unknown as Stored) as KubeObject),
    toStorage: (object) => autoscalerToV2(object as unknown as HorizontalPodAutoscaler) as KubeObject,
  },
  strategy: {
    default(object) {
      const { spec } = object;
      if (!spec) return;
      spec.minReplicas ??= 1;
      // Metrics in an annotation that cannot be read are none.
      if (!autoscalerToV2(object).spec.metrics) spec.targetCPUUtilizationPercentage = usualUtilization;
    },
    validate: (object) => validateAutoscaler(autoscalerToV2(object)),
    validateUpdate: (object) => validateAutoscaler(autoscalerToV2(object)),
    validateStatusUpdate: (object) => validateAutoscalerStatus(autoscalerToV2(object)),
  },
  columns,
  cells: (object, now) => cells(autoscalerToV2(object), now),
};
