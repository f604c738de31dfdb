import type { Namespace, ServiceAccount } from '../../api/core/v1/types.generated.ts';

/** The ServiceAccounts that an active namespace lacks. */
export function reconcile(
  namespace: Readonly<Namespace>,
  present: readonly Readonly<ServiceAccount>[],
): ServiceAccount[] {
  const ends = namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === 'Terminating';
  if (ends || present.some((account) => account.metadata.name === 'default')) return [];
  const metadata = { name: 'default', namespace: namespace.metadata.name };
  return [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata }];
}
