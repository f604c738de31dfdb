// Which APIs of other servers cannot be reached, under upstream's name.
import type { APIService } from '../../api/apiregistration/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { CollectedFamily, type Family } from '../../metrics/metric.ts';
import type { ObjectView } from '../object-view.ts';

const apiServices = { group: 'apiregistration.k8s.io', resource: 'apiservices' };

export function unavailableApis(view: ObjectView): Family {
  const help = 'Gauge of APIServices which are marked as unavailable broken down by APIService name.';
  const options = { name: 'aggregator_unavailable_apiservice', help, labels: ['name'], type: 'gauge' } as const;
  return new CollectedFamily(options, () =>
    view.list<APIService & KubeObject>(apiServices).map(({ metadata, status }) => {
      const available = status?.conditions?.find(({ type }) => type === 'Available');
      return [[metadata.name], available?.status === 'True' ? 0 : 1] as const;
    }),
  );
}
