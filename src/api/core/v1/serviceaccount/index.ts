import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { ServiceAccount } from '../types.generated.ts';

const enforcement = 'kubernetes.io/enforce-mountable-secrets';

/** Of the Secrets that it names the name alone is kept (upstream cleanSecretReferences). */
function keepNamesOfSecrets(object: ServiceAccount): void {
  if (object.secrets) object.secrets = object.secrets.map(({ name }) => (name ? { name } : {}));
}

export const serviceAccount: Kind<ServiceAccount> = {
  returnsDeletedObject: true,
  strategy: {
    prepareForCreate: keepNamesOfSecrets,
    prepareForUpdate: keepNamesOfSecrets,
    warnings({ metadata }, old) {
      const isNew = metadata.annotations?.[enforcement] !== undefined && !old?.metadata.annotations?.[enforcement];
      const advice = 'prefer separate namespaces to isolate access to mounted secrets';
      return isNew ? [`metadata.annotations[${enforcement}]: deprecated in v1.32+; ${advice}`] : [];
    },
  },
  columns: [nameColumn, column('Secrets', 'How many Secrets it names.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.secrets?.length ?? 0, ageCell(object, now)],
};
