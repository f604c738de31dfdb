// Every pod runs as a service account and, unless it or the account says no, finds its token mounted.

import type { Container, Pod, ServiceAccount, Volume } from '../../api/core/v1/types.generated.ts';
import { andThen, type Later } from '../../apimachinery/later.ts';
import { randomSuffix } from '../registry/metadata.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './admission.ts';
import { refusalOf } from './refusal.ts';
import { checkSecretReferences } from './secret-references.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const mirrorAnnotation = 'kubernetes.io/config.mirror';
/** One hour and seven seconds, as upstream asks for: the kubelet renews it earlier. */
const expirationSeconds = 3607;

/** A key of a ConfigMap in the Pod's namespace; the file is named like the key. */
export interface ConfigMapKey {
  readonly name: string;
  readonly key: string;
}

/** `configMaps`: what distributions put beside the token for all Pods, such as the CA of their Services. */
export function serviceAccount(configMaps: readonly ConfigMapKey[] = []): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    resources: ['pods'],
    admit: (request, view) => admit(request, view, configMaps),
    validate: checkSecretReferences,
  };
}

type Account = ServiceAccount & { metadata: { name: string } };

/** Which a controller makes in every namespace, a moment after the namespace itself. */
const ownAccount = 'default';
/** As upstream: how often it is looked for, and the milliseconds in between, plus up to as many again. */
const looks = 10;
const betweenLooks = 100;

function admit(request: AdmissionRequest, view: AdmissionView, configMaps: readonly ConfigMapKey[]): Later<void> {
  const { definition, operation, subresource, namespace, object } = request;
  if (definition.group !== '' || definition.resource !== 'pods') return;
  if (operation !== 'CREATE' || subresource !== '' || !object) return;
  const pod = object as unknown as Pod;
  const { spec } = pod;
  if (!spec || object.metadata.annotations?.[mirrorAnnotation] !== undefined) return;
  spec.serviceAccountName ||= ownAccount;
  const name = spec.serviceAccountName;
  spec.serviceAccount = name;
  const find = () => view.find<Account>('serviceaccounts', { namespace, name });
  return andThen(find() ?? (name === ownAccount ? comingAccount(find, view) : undefined), (account) => {
    if (account) return runAs(pod, account, { view, configMaps });
    const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
    throw refusalOf(request, why);
  });
}

async function comingAccount(
  find: () => Account | undefined,
  { clock, random }: AdmissionView,
): Promise<Account | undefined> {
  const wait = betweenLooks + random.int(betweenLooks);
  let account: Account | undefined;
  for (let look = 1; look < looks && !account; look++) {
    await clock.sleep(wait);
    account = find();
  }
  return account;
}

function runAs(
  pod: Pod,
  account: Account,
  { view, configMaps }: { readonly view: AdmissionView; readonly configMaps: readonly ConfigMapKey[] },
): void {
  const { spec } = pod;
  if (!spec) return;
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
    mountToken(pod, view, configMaps);
  if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
    spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ ...secret }));
  }
}

function mountToken({ spec }: Pod, { random }: AdmissionView, configMaps: readonly ConfigMapKey[]): void {
  if (!spec) return;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const without = containers.filter((c) => !c.volumeMounts?.some((mount) => mount.mountPath === mountPath));
  if (without.length === 0) return;
  const present = spec.volumes?.find((volume) => volume.name.startsWith('kube-api-access-') && volume.projected);
  const volume = present ?? tokenVolume(`kube-api-access-${randomSuffix(random)}`, configMaps);
  if (!present) spec.volumes = [...(spec.volumes ?? []), volume];
  for (const container of without) mount(container, volume.name);
}

function mount(container: Container, name: string): void {
  container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
}

function tokenVolume(name: string, configMaps: readonly ConfigMapKey[]): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
        ...configMaps.map((other) => ({
          configMap: { name: other.name, items: [{ key: other.key, path: other.key }] },
        })),
      ],
    },
  };
}
