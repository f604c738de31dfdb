import type { Kind } from '../../../define.ts';
import type { LimitRange, LimitRangeItem } from '../types.generated.ts';
import { validateLimitRange } from './validation.ts';

/** The maximum is the default limit, the default limit the default request; where there is neither, the minimum. */
function defaultItem(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

export const limitRange: Kind<LimitRange> = {
  allowCreateOnUpdate: true,
  strategy: {
    default({ spec }) {
      for (const item of spec?.limits ?? []) defaultItem(item);
    },
    validate: validateLimitRange,
    validateUpdate: validateLimitRange,
  },
};
