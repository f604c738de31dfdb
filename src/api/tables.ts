// Kinds outside the core group of which only the table, or their counting of generations, is their own.
import type { KubeObject } from '../apimachinery/object.ts';
import { ageCell, ageColumn, anyKind, column, type Kind, nameColumn } from './define.ts';
import type { IngressClass, NetworkPolicy } from './networking/v1/types.generated.ts';
import type { RuntimeClass } from './node/v1/types.generated.ts';
import type { PriorityClass } from './scheduling/v1/types.generated.ts';
import { selectorCell } from './workload.ts';

const counted: Kind<KubeObject> = { countsGeneration: true };

const ingressClass: Kind<IngressClass> = {
  countsGeneration: true,
  columns: [
    nameColumn,
    column('Controller', 'Which program serves it.'),
    column('Parameters', 'Where its settings are.'),
    ageColumn,
  ],
  cells(object, now) {
    const { controller, parameters } = object.spec ?? {};
    const kind = parameters?.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters?.kind;
    const text = parameters ? `${kind}/${parameters.name}` : '<none>';
    return [object.metadata.name, controller ?? '', text, ageCell(object, now)];
  },
};

const networkPolicy: Kind<NetworkPolicy> = {
  countsGeneration: true,
  strategy: {
    default({ spec }) {
      if (!spec) return;
      spec.policyTypes ??= spec.egress ? ['Ingress', 'Egress'] : ['Ingress'];
      for (const port of [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap(({ ports }) => ports ?? [])) {
        port.protocol ||= 'TCP';
      }
    },
  },
  columns: [nameColumn, column('Pod-Selector', 'Which Pods it is for.'), ageColumn],
  cells: (object, now) => [object.metadata.name, selectorCell(object.spec?.podSelector), ageCell(object, now)],
};

const runtimeClass: Kind<RuntimeClass> = {
  columns: [nameColumn, column('Handler', 'What runs the containers.'), ageColumn],
  cells: (object, now) => [object.metadata.name, object.handler, ageCell(object, now)],
};

const priorityClass: Kind<PriorityClass> = {
  countsGeneration: true,
  strategy: {
    default(object) {
      object.preemptionPolicy ??= 'PreemptLowerPriority';
    },
  },
  columns: [
    nameColumn,
    column('Value', 'The priority.', { type: 'integer' }),
    column('Global-Default', 'Whether Pods without a class have it.', { type: 'boolean' }),
    ageColumn,
    column('PreemptionPolicy', 'Whether it may drive others out.', { priority: 1 }),
  ],
  cells: (object, now) => [
    object.metadata.name,
    object.value,
    object.globalDefault === true,
    ageCell(object, now),
    object.preemptionPolicy ?? '',
  ],
};

export const otherTables: Readonly<Record<string, Kind<KubeObject>>> = {
  'ingressclasses.networking.k8s.io': anyKind(ingressClass),
  'networkpolicies.networking.k8s.io': anyKind(networkPolicy),
  'runtimeclasses.node.k8s.io': anyKind(runtimeClass),
  'priorityclasses.scheduling.k8s.io': anyKind(priorityClass),
  'flowschemas.flowcontrol.apiserver.k8s.io': counted,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': counted,
  'deviceclasses.resource.k8s.io': counted,
  'resourceslices.resource.k8s.io': counted,
};
