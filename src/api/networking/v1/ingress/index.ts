import { ageCell, ageColumn, column, type Kind, nameColumn } from '../../../define.ts';
import type { Ingress } from '../types.generated.ts';
import { validateIngress, validateIngressStatus } from './validation.ts';

/** So many hosts. */
const shown = 3;

function hosts({ spec }: Ingress): string {
  const rules = spec.rules ?? [];
  const named = rules.flatMap(({ host }, i) => (host ? [{ host, i }] : []));
  if (named.length === 0) return '*';
  const text = named
    .slice(0, shown)
    .map(({ host }) => host)
    .join(',');
  // Upstream counts rules that name no host too, as soon as any rule follows the last host that is shown.
  const last = named[shown - 1];
  return last && last.i < rules.length - 1 ? `${text} + ${rules.length - shown} more...` : text;
}

function address({ status }: Ingress): string {
  const list = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...new Set(list)].sort().join(',');
}

const classWarning =
  'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead';

export const ingress: Kind<Ingress> = {
  countsGeneration: true,
  emptyStatus: () => ({ loadBalancer: {} }),
  strategy: {
    validate: (object) => validateIngress(object, { isNew: true }),
    validateUpdate: (object) => validateIngress(object, { isNew: false }),
    validateStatusUpdate: validateIngressStatus,
    warnings: ({ metadata, spec }, old) => {
      const isAnnotated = metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined;
      return !old && isAnnotated && spec?.ingressClassName === undefined ? [classWarning] : [];
    },
  },
  columns: [
    nameColumn,
    column('Class', 'Which controller serves it.'),
    column('Hosts', 'The names that it serves.'),
    column('Address', 'Where it is reached.'),
    column('Ports', '80, and 443 with TLS.'),
    ageColumn,
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.spec.ingressClassName ?? '<none>',
    hosts(object),
    address(object),
    object.spec.tls?.length ? '80, 443' : '80',
    ageCell(object, now),
  ],
};
