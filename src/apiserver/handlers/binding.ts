// POST pods/NAME/binding, or bindings: puts a pod on a node.
import type { Binding, Pod } from '../../api/core/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, conflict, invalid } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { fieldError } from '../../apimachinery/validation/field-error.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { readObject } from './object-body.ts';
import { writeQuery } from './options.ts';
import { valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { checkPrecondition, placeInNamespace, schemaFor } from './written-object.ts';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };

/** POST pods/NAME/binding, or bindings. `pods` is the request as if for the pod itself. */
export async function handleBinding(request: ResourceRequest, pods: ResourceRequest): Promise<ApiResponse> {
  const { dryRun, fieldValidation } = writeQuery(request.request.query, 'CreateOptions');
  const expected = { group: '', version: 'v1', kind: 'Binding' };
  const schema = schemaFor(request, expected);
  const { warnings } = request;
  const decode = await readObject({ request: request.request, expected, schema, fieldValidation, warnings });
  const binding = decode() as KubeObject & Binding;
  placeInNamespace(binding, pods);
  const name = request.info.name || (binding.metadata.name ?? '');
  if (binding.metadata.name && binding.metadata.name !== name) {
    throw badRequest('name in URL does not match name in Binding object');
  }
  const { target } = binding;
  if (target.kind && target.kind !== 'Node') {
    throw invalid(expected, name, [fieldError.notSupported('target.kind', target.kind, ['Node', '<empty>'])]);
  }
  if (!target.name) throw invalid(expected, name, [fieldError.required('target.name')]);
  const admission = writeAdmission(request, { dryRun, kind: expected, name });
  await admission.admit(binding);
  await admission.validate(binding);
  await pods.store.update({
    namespace: request.info.namespace,
    name,
    dryRun,
    warnings,
    strategy: {},
    transform(old) {
      const { uid, resourceVersion } = binding.metadata;
      const present = old!.metadata;
      checkPrecondition(pods, { name, field: 'UID', given: uid, present: present.uid });
      const version = { given: resourceVersion, present: present.resourceVersion };
      checkPrecondition(pods, { name, field: 'ResourceVersion', ...version });
      return bind(old!, binding, pods.parts.clock.now());
    },
  });
  return valueResponse(request, success, 201);
}

function bind(old: Readonly<KubeObject>, binding: KubeObject & Binding, now: number): KubeObject {
  const pod = jsonCopy(old) as KubeObject & Pod;
  const { name } = pod.metadata;
  const refuse = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, why);
  if (pod.metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName) throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  if (pod.spec?.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  if (!pod.spec) throw badRequest('the pod has no spec');
  pod.spec.nodeName = binding.target.name!;
  for (const own of ['annotations', 'labels'] as const) {
    if (binding.metadata[own]) pod.metadata[own] = { ...pod.metadata[own], ...binding.metadata[own] };
  }
  const others = pod.status?.conditions?.filter((condition) => condition.type !== 'PodScheduled') ?? [];
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: formatTime(now) };
  // Where it was meant to go says nothing any more.
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  pod.status = { ...status, conditions: [...others, scheduled] };
  return pod;
}
