import type { ConfigMap, Namespace } from '../../api/core/v1/types.generated.ts';

export const configMapName = 'kube-root-ca.crt';

/** The ConfigMap to create or to put in place of `present`; undefined when it is right. */
export function reconcile(
  namespace: Readonly<Namespace>,
  present: Readonly<ConfigMap> | undefined,
  rootCA: string,
): ConfigMap | undefined {
  const ends = namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === 'Terminating';
  const data = { 'ca.crt': rootCA };
  const right = present?.data?.['ca.crt'] === rootCA && Object.keys(present.data).length === 1;
  if (ends || right) return undefined;
  const annotations = {
    ...present?.metadata.annotations,
    'kubernetes.io/description':
      'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
  };
  const metadata = {
    ...(present?.metadata ?? { name: configMapName, namespace: namespace.metadata.name }),
    annotations,
  };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}
