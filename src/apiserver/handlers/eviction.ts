// POST pods/NAME/eviction: deletes a pod politely, where its PodDisruptionBudget allows.
import type { Pod } from '../../api/core/v1/types.generated.ts';
import { chargeBudget, planEviction, stillProcessing } from '../../api/policy/v1/poddisruptionbudget/eviction.ts';
import type { PodDisruptionBudget } from '../../api/policy/v1/types.generated.ts';
import type { KubeObject } from '../../apimachinery/object.ts';
import { badRequest, forbidden, isConflict, StatusError } from '../../apimachinery/status.ts';
import { formatTime } from '../../apimachinery/time.ts';
import type { DeleteOptions } from '../registry/deletion.ts';
import type { ApiResponse } from '../request.ts';
import { writeAdmission } from './admission.ts';
import { deleteOne } from './delete.ts';
import { readObject } from './object-body.ts';
import { writeQuery } from './options.ts';
import { valueResponse } from './render.ts';
import type { ResourceRequest } from './resource-request.ts';
import { kindOf, placeInNamespace, schemaFor } from './written-object.ts';

type EvictionBody = KubeObject & {
  deleteOptions?: Omit<DeleteOptions, 'dryRun'> & { dryRun?: readonly string[] };
};

/** How often an eviction is tried again when the pod changes meanwhile. */
const attempts = 20;
const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

export async function handleEviction(request: ResourceRequest): Promise<ApiResponse> {
  const { fieldValidation, dryRun } = writeQuery(request.request.query, 'CreateOptions');
  const expected = kindOf(request.subresource!);
  const schema = schemaFor(request, expected);
  const { warnings, info } = request;
  // As upstream: older clients know the other.
  const versions = { expected, alsoVersion: 'v1beta1' };
  const decode = await readObject({ request: request.request, ...versions, schema, fieldValidation, warnings });
  const body = decode() as EvictionBody;
  placeInNamespace(body, request);
  const { gracePeriodSeconds, preconditions, propagationPolicy, dryRun: asked = [] } = body.deleteOptions ?? {};
  const options: DeleteOptions = {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(preconditions && { preconditions }),
    ...(propagationPolicy && { propagationPolicy }),
    dryRun: dryRun || asked.length > 0,
  };
  const admission = writeAdmission(request, { dryRun: options.dryRun ?? false, kind: expected });
  await admission.admit(body);
  if (body.metadata.name !== info.name) throw badRequest('name in URL does not match name in Eviction object');
  await admission.validate(body);
  await evict(request, options);
  return valueResponse(request, success, 201);
}

async function evict(request: ResourceRequest, options: DeleteOptions): Promise<void> {
  const { info, store, parts } = request;
  const budgets = parts.registry.coreStore('poddisruptionbudgets', 'policy');
  for (let attempt = 1; ; attempt++) {
    const stored = await store.get(info.namespace, info.name);
    const pod = stored.object as unknown as Readonly<Pod>;
    const present = budgets.cache.list(budgets.prefixOf(info.namespace));
    const plan = planEviction(
      pod,
      present.map(({ object }) => object as unknown as Readonly<PodDisruptionBudget>),
    );
    if (plan.type === 'ambiguous') throw ambiguous();
    if (plan.type === 'charge') await charge(request, plan.budget, options.dryRun ?? false);
    const given = options.preconditions?.resourceVersion;
    const isOurs = plan.type === 'evict' && plan.unchanged && given === undefined;
    const expected = isOurs ? String(stored.revision) : given;
    try {
      const marked = await markEvicted(request, { ...options, preconditions: preconditionsOf(options, expected) });
      await deleteOne(request, { options: marked, name: info.name, admitted: false });
      return;
    } catch (error) {
      if (!isConflict(error) || !isOurs) throw error;
      if (plan.budget !== undefined) throw tooMany(stillProcessing(plan.budget), 10);
      if (attempt >= attempts) throw error;
    }
  }
}

function preconditionsOf({ preconditions }: DeleteOptions, resourceVersion: string | undefined) {
  return { ...preconditions, ...(resourceVersion !== undefined && { resourceVersion }) };
}

/** Says in the pod's status why it goes. The options that delete it then: a version they ask for is the one with the mark. */
async function markEvicted(request: ResourceRequest, options: DeleteOptions): Promise<DeleteOptions> {
  const { info, store, parts, warnings } = request;
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (options.dryRun) return options;
  let isMeant = false;
  const { object } = await store.update({
    namespace: info.namespace,
    name: info.name,
    dryRun: false,
    warnings,
    strategy: {},
    transform(old) {
      const { metadata } = old!;
      isMeant =
        (uid === undefined || uid === metadata.uid) &&
        (resourceVersion === undefined || resourceVersion === metadata.resourceVersion);
      // Deletion says what is wrong with another.
      return isMeant ? withEvictionCondition(old as unknown as Readonly<Pod>, parts.clock.now()) : old!;
    },
  });
  if (!isMeant || resourceVersion === undefined) return options;
  return { ...options, preconditions: preconditionsOf(options, String(object.revision)) };
}

const evictionCondition = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'Eviction API: evicting',
};

function isEvictionCondition({ type, reason }: { readonly type: string; readonly reason?: string }): boolean {
  return type === evictionCondition.type && reason === evictionCondition.reason;
}

function withEvictionCondition(pod: Readonly<Pod>, now: number): KubeObject {
  const present = pod.status?.conditions ?? [];
  if (present.some(isEvictionCondition)) return pod as unknown as KubeObject;
  const others = present.filter(({ type }) => type !== evictionCondition.type);
  const conditions = [...others, { ...evictionCondition, lastTransitionTime: formatTime(now) }];
  return { ...pod, status: { ...pod.status, conditions } } as unknown as KubeObject;
}

/** Takes one disruption from the budget; throws 429 where there is none left. */
async function charge(request: ResourceRequest, name: string, dryRun: boolean): Promise<void> {
  const { info, parts, warnings } = request;
  await parts.registry.coreStore('poddisruptionbudgets', 'policy').update({
    namespace: info.namespace,
    name,
    dryRun,
    warnings,
    strategy: {},
    transform(old) {
      const budget = structuredClone(old) as unknown as PodDisruptionBudget;
      const done = chargeBudget(budget, info.name, parts.clock.now());
      if (done.type === 'wait') throw tooMany(done.why, done.retryAfter);
      if (done.type === 'forbidden') {
        throw forbidden({ group: 'policy', resource: 'poddisruptionbudget' }, name, done.why);
      }
      return done.budget as unknown as KubeObject;
    },
  });
}

function tooMany(why: string, retryAfter?: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message: why }];
  return new StatusError(
    {
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }), causes },
    },
    retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
  );
}

function ambiguous(): StatusError {
  const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
  return new StatusError({ code: 500, message });
}
