// The number behind a pod's priority class; and of the classes, only one is the default.

import type { Pod } from '../../api/core/v1/types.generated.ts';
import { systemPriorityClasses } from '../../api/scheduling/v1/priorityclass/system.ts';
import type { PriorityClass } from '../../api/scheduling/v1/types.generated.ts';
import { forbidden } from '../../apimachinery/status.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionView } from './admission.ts';
import { is } from './matches.ts';
import { refusalOf } from './refusal.ts';

const group = 'scheduling.k8s.io';
const usualPolicy = 'PreemptLowerPriority';

function classOf(name: string, view: AdmissionView): Readonly<PriorityClass> | undefined {
  const found = view.find<PriorityClass>('priorityclasses', { group, name });
  // The system's own classes hold also before they are written.
  return found ?? systemPriorityClasses.find(({ metadata }) => metadata.name === name);
}

/** Where several were made the default, the one of the lowest value. */
function defaultClass(view: AdmissionView): Readonly<PriorityClass> | undefined {
  const defaults = view.all<PriorityClass>('priorityclasses', group).filter((one) => one.globalDefault);
  return [...defaults].sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}

function admitPod(request: AdmissionRequest, view: AdmissionView): void {
  const { spec } = request.object as unknown as Pod;
  if (!spec) return;
  const className = spec.priorityClassName;
  const found = className ? classOf(className, view) : defaultClass(view);
  if (className && !found) throw refusalOf(request, `no PriorityClass with name ${className} was found`);
  const value = found?.value ?? 0;
  const policy = found?.preemptionPolicy ?? usualPolicy;
  const computed = (what: string, given: unknown, right: unknown) =>
    refusalOf(
      request,
      `the ${what} (${String(given)}) must not be provided in pod spec; priority admission controller computed ${String(right)} from the given PriorityClass name`,
    );
  if (spec.priority !== undefined && spec.priority !== value) {
    throw computed('integer value of priority', spec.priority, value);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw computed('string value of PreemptionPolicy', spec.preemptionPolicy, policy);
  }
  if (!className && found) spec.priorityClassName = found.metadata.name;
  spec.priority = value;
  spec.preemptionPolicy = policy;
}

/** What was computed stands where a manifest that says nothing of it replaces the pod. */
function keepComputed({ object, old }: AdmissionRequest): void {
  const { spec } = object as unknown as Pod;
  const before = (old as unknown as Pod).spec;
  if (!spec || !before) return;
  if (before.priority !== undefined) spec.priority ??= before.priority;
  if (before.preemptionPolicy !== undefined) spec.preemptionPolicy ??= before.preemptionPolicy;
}

export const priority: AdmissionPlugin = {
  name: 'Priority',
  resources: ['pods', `priorityclasses.${group}`],
  admit(request, view) {
    if (is(request, 'pods', 'CREATE')) admitPod(request, view);
    if (is(request, 'pods', 'UPDATE')) keepComputed(request);
  },
  validate(request, view) {
    if (!is(request, `priorityclasses.${group}`, 'CREATE', 'UPDATE')) return;
    const { metadata, globalDefault } = request.object as unknown as PriorityClass;
    if (!globalDefault) return;
    const present = defaultClass(view);
    if (!present || present.metadata.name === metadata.name) return;
    const why = `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`;
    throw forbidden(request.definition, metadata.name, why);
  },
};
