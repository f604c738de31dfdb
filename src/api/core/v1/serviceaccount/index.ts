import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { ServiceAccount } from '../types.generated.ts';

export const serviceAccount: Kind<ServiceAccount> = {
  returnsDeletedObject: true,
  columns: [nameColumn, column('Secrets', 'How many Secrets it names.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.secrets?.length ?? 0, ageCell(object, now)],
};
