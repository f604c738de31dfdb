// Writes into each ClusterRole with an aggregationRule the rules of the roles that it selects.
import type { ClusterRole } from '../../api/rbac/v1/types.generated.ts';
import { clusterRoles } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { reconcile } from './reconcile.ts';

export function clusterRoleAggregationController(context: ControllerContext): Controller {
  const { client, informers } = context;
  const informer = informers.informer<ClusterRole>(clusterRoles);
  const roles = client.resource<ClusterRole>(clusterRoles);
  const name = 'clusterrole-aggregation-controller';
  const controller = new KeyedController({ name, context, waitFor: [informer], sync });
  // Any role may be selected by any other.
  const enqueue = () => {
    for (const { metadata, aggregationRule } of informer.lister.list()) {
      if (aggregationRule) controller.queue.add(metadata.name);
    }
  };
  informer.addHandler({ added: enqueue, updated: enqueue, deleted: enqueue });

  async function sync(key: string) {
    const role = informer.lister.get(key);
    const rules = role && reconcile(role, informer.lister.list());
    if (role && rules) await roles.update({ ...role, rules: [...rules] });
    return undefined;
  }

  return controller;
}
