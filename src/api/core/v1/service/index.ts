import { dns1123Label } from '../../../../apimachinery/validation/names.ts';
import type { Kind } from '../../../define.ts';
import type { Service } from '../types.generated.ts';
import { serviceCells, serviceColumns } from './columns.ts';
import { serviceStrategy } from './strategy.ts';

export const service: Kind<Service> = {
  strategy: serviceStrategy,
  nameRule: dns1123Label,
  emptyStatus: () => ({ loadBalancer: {} }),
  selectableFields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP,
    'spec.type': ({ spec }) => spec.type,
  },
  columns: serviceColumns,
  cells: serviceCells,
  allowCreateOnUpdate: true,
  returnsDeletedObject: true,
};
