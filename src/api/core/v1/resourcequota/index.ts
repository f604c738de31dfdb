import { ownValue } from '../../../../apimachinery/table.ts';
import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { ResourceQuota } from '../types.generated.ts';
import { validateQuota, validateQuotaStatus, validateQuotaUpdate } from './validation.ts';

/** `cpu: 1/2, pods: 0/10`: of limits, or of all else. */
function usage({ status }: ResourceQuota, ofLimits: boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  return Object.keys(hard)
    .sort()
    .filter((name) => name.startsWith('limits.') === ofLimits)
    .map((name) => `${name}: ${ownValue(used, name) ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuota: Kind<ResourceQuota> = {
  returnsDeletedObject: true,
  strategy: {
    validate: validateQuota,
    validateUpdate: validateQuotaUpdate,
    validateStatusUpdate: validateQuotaStatus,
  },
  columns: [
    nameColumn,
    column('Request', 'Used and allowed requests.'),
    column('Limit', 'Used and allowed limits.'),
    ageColumn,
  ],
  cells: (object, now) => [object.metadata.name, usage(object, false), usage(object, true), ageCell(object, now)],
};
