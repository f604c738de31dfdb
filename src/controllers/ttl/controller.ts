// Tells kubelets how long they may keep Secrets and ConfigMaps without asking, by how many nodes there are.
import type { Node } from '../../api/core/v1/types.generated.ts';
import { ignoreNotFound } from '../../apimachinery/status.ts';
import { nodes } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { nextStep, secondsOf, ttlAnnotation } from './reconcile.ts';

export function ttlController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const informer = informers.informer<Node>(nodes);
  const api = client.resource<Node>(nodes);
  const controller = new KeyedController({ name: 'ttl-controller', context, waitFor: [informer], sync });
  const known = new Set<string>();
  let step = 0;
  const count = () => {
    const before = step;
    step = nextStep(step, known.size);
    if (step !== before) for (const name of known) controller.queue.add(name);
  };
  informer.addHandler({
    added({ metadata }) {
      known.add(metadata.name);
      count();
      controller.queue.add(metadata.name);
    },
    updated: ({ metadata }, old) => {
      if (metadata.annotations?.[ttlAnnotation] !== old.metadata.annotations?.[ttlAnnotation]) {
        controller.queue.add(metadata.name);
      }
    },
    deleted({ metadata }) {
      known.delete(metadata.name);
      count();
    },
  });

  async function sync(name: string): Promise<undefined> {
    const node = informer.lister.get(name);
    const seconds = String(secondsOf(step));
    if (!node || node.metadata.annotations?.[ttlAnnotation] === seconds) return;
    const body = { metadata: { annotations: { [ttlAnnotation]: seconds } } };
    await api.patch({ name, type: 'merge', body }).catch(ignoreNotFound);
  }

  return controller;
}
