// What ReplicaSet and ReplicationController have in common: a number of Pods from one template, and how that is told.
import type { FieldError } from '../apimachinery/validation/field-error.ts';
import type { ReplicaSet } from './apps/v1/types.generated.ts';
import type { ReplicationController } from './core/v1/types.generated.ts';
import { ageCell, ageColumn, column, nameColumn } from './define.ts';
import {
  containerCells,
  containersColumn,
  imagesColumn,
  selectorColumn,
  validateReplicaCounts,
  workloadWarnings,
} from './workload.ts';

type Replicas = ReplicaSet | ReplicationController;

function validateStatusUpdate({ status }: Replicas): FieldError[] {
  const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;
  return validateReplicaCounts(status ?? { replicas: 0 }, {
    counts: ['replicas', ...parts, 'observedGeneration'],
    parts,
    availableOfReady: true,
  });
}

/** The part of a kind's strategy that is the same. */
export const replicasStrategy = { validateStatusUpdate, warnings: workloadWarnings };

/** The part of a kind that is the same. */
export const replicasKind = {
  countsGeneration: true,
  emptyStatus: () => ({ replicas: 0 }),
  selectableFields: { 'status.replicas': ({ status }: Replicas) => String(status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column('Desired', 'Replicas wanted.', { type: 'integer' }),
    column('Current', 'Replicas that exist.', { type: 'integer' }),
    column('Ready', 'Replicas that are ready.', { type: 'integer' }),
    ageColumn,
    containersColumn,
    imagesColumn,
    selectorColumn,
  ],
};

/** The cells of these columns; the last is the selector as the kind prints it. */
export function replicasCells(object: Replicas, now: number, selector: string): unknown[] {
  const { metadata, spec, status } = object;
  return [
    metadata.name,
    spec.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageCell(object, now),
    ...containerCells(spec.template),
    selector,
  ];
}
