import { column, type Kind, nameColumn } from '../../../define.ts';
import type { ComponentStatus } from '../types.generated.ts';

/** Deprecated: how the scheduler, the controllers and storage were, when that was asked for over the network. */
export const componentStatus: Kind<ComponentStatus> = {
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  columns: [
    nameColumn,
    column('Status', 'Healthy or Unhealthy.'),
    column('Message', 'What it says of itself.'),
    column('Error', 'Why it could not be asked.'),
  ],
  cells({ metadata, conditions = [] }) {
    const healthy = conditions.find(({ type }) => type === 'Healthy');
    const status = !healthy ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
    return [metadata.name, status, healthy?.message ?? '', healthy?.error ?? ''];
  },
};
