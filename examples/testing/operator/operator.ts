// An operator: each Website becomes a Deployment and a Service, and says in its status how many replicas are ready.
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  type KubeConfig,
  type KubernetesObject,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1Deployment,
  type V1OwnerReference,
  type V1Service,
} from '@kubernetes/client-node';

export interface Website extends KubernetesObject {
  spec: { image: string; replicas: number };
  status?: { readyReplicas: number };
}

const resource = { group: 'example.com', version: 'v1', plural: 'websites' };
const applied = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);

export interface Operator {
  /** Ends its watches. */
  stop(): Promise<void>;
}

export async function runOperator(config: KubeConfig): Promise<Operator> {
  const custom = config.makeApiClient(CustomObjectsApi);
  const apps = config.makeApiClient(AppsV1Api);
  const core = config.makeApiClient(CoreV1Api);

  const websites = makeInformer<Website>(config, '/apis/example.com/v1/websites', () =>
    custom.listCustomObjectForAllNamespaces({ ...resource, resourcePlural: resource.plural }),
  );
  const deployments = makeInformer<V1Deployment>(config, '/apis/apps/v1/deployments', () =>
    apps.listDeploymentForAllNamespaces(),
  );

  async function reconcile(website: Website): Promise<void> {
    const { name = '', namespace = '' } = website.metadata ?? {};
    const target = { name, namespace, fieldManager: 'website-operator', force: true };
    await apps.patchNamespacedDeployment({ ...target, body: deploymentOf(website) }, applied);
    await core.patchNamespacedService({ ...target, body: serviceOf(website) }, applied);
  }

  async function report(deployment: V1Deployment): Promise<void> {
    const { name = '', namespace = '', ownerReferences = [] } = deployment.metadata ?? {};
    if (!ownerReferences.some(({ kind }) => kind === 'Website')) return;
    const status = { readyReplicas: deployment.status?.readyReplicas ?? 0 };
    await custom.patchNamespacedCustomObjectStatus(
      { ...resource, name, namespace, body: { status } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  }

  // A real operator has a queue with back-off here. A Website that is gone has no status.
  const tolerate = (work: Promise<void>) =>
    void work.catch((error: unknown) => {
      if (!(error instanceof ApiException && error.code === 404)) console.error(String(error));
    });
  for (const event of ['add', 'update'] as const) {
    websites.on(event, (website) => tolerate(reconcile(website)));
    deployments.on(event, (deployment) => tolerate(report(deployment)));
  }
  await Promise.all([websites.start(), deployments.start()]);
  return {
    async stop() {
      await Promise.all([websites.stop(), deployments.stop()]);
    },
  };
}

/** By its owner the garbage collector knows what goes with a Website. */
function ownedBy({ metadata }: Website): V1OwnerReference[] {
  const { name = '', uid = '' } = metadata ?? {};
  return [{ apiVersion: 'example.com/v1', kind: 'Website', name, uid, controller: true }];
}

function deploymentOf(website: Website): V1Deployment {
  const { image, replicas } = website.spec;
  const labels = { website: website.metadata?.name ?? '' };
  const containers = [{ name: 'web', image, ports: [{ containerPort: 80 }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: labels.website, ownerReferences: ownedBy(website) },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

function serviceOf(website: Website): V1Service {
  const selector = { website: website.metadata?.name ?? '' };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: selector.website, ownerReferences: ownedBy(website) },
    spec: { selector, ports: [{ port: 80 }] },
  };
}
