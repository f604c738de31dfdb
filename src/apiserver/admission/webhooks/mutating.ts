// MutatingAdmissionWebhook: one after the other, each sees what those before it made of the object. When one changed it,
// all of admission runs once more, and webhooks that ask for that are asked again.

import { jsonEqual } from '../../../apimachinery/json/value.ts';
import { applyJsonPatch, PatchApplyError, PatchSyntaxError } from '../../../apimachinery/patch/json-patch.ts';
import { internalError } from '../../../apimachinery/status.ts';
import type { AdmissionPlugin, AdmissionRequest, AdmissionRound, AdmissionView } from '../admission.ts';
import { takeBack } from '../equivalent.ts';
import { replaceObject } from '../replace-object.ts';
import { ask, asStatusError, type ConfiguredWebhook, configuredWebhooks, questionFor } from './webhook.ts';

export const mutatingWebhooks: AdmissionPlugin = {
  name: 'MutatingAdmissionWebhook',
  mutate(round, view) {
    const hooks = configuredWebhooks('mutatingwebhookconfigurations', round.request, view);
    return hooks.length === 0 ? undefined : mutate(hooks, round, view);
  },
};

/** What the first round leaves for the second. */
interface Earlier {
  /** Webhooks that were asked and ask to be asked again when the object changes after them. */
  readonly reinvocable: Set<number>;
  /** Those of them after which something changed. */
  readonly due: Set<number>;
  /** The object as the last webhook left it, as JSON. */
  output: string;
}

const earlier = new WeakMap<AdmissionRound['request'], Earlier>();

async function mutate(hooks: readonly ConfiguredWebhook[], round: AdmissionRound, view: AdmissionView): Promise<void> {
  const { request } = round;
  const memory = memoryOf(round);
  const markDue = () => {
    for (const index of memory.reinvocable) memory.due.add(index);
    memory.reinvocable.clear();
  };
  if (round.isSecond && JSON.stringify(request.object) !== memory.output) markDue();
  try {
    for (const webhook of hooks) {
      const { hook, index } = webhook;
      const seen = await questionFor(webhook, request, view);
      if (!seen) continue;
      // Who was not asked before is not asked now.
      if (round.isSecond && !memory.due.has(index)) continue;
      const place = `round_${round.isSecond ? 1 : 0}_index_${index}`;
      let changed = false;
      try {
        const verdict = await ask(webhook, seen, { view, isMutating: true, place });
        changed = applyPatch(verdict?.operations ?? [], { request: seen, view });
        if (changed && seen !== request) replaceObject(request, await takeBack(seen, request), view);
      } finally {
        // Told whatever came of it.
        annotate(webhook, { request, changed, place });
      }
      if (changed) {
        markDue();
        round.askAgain();
      }
      if (hook.reinvocationPolicy === 'IfNeeded') memory.reinvocable.add(index);
    }
  } catch (error) {
    throw asStatusError(error);
  }
  memory.output = JSON.stringify(request.object);
}

function memoryOf({ request }: AdmissionRound): Earlier {
  let found = earlier.get(request);
  if (!found) {
    found = { reinvocable: new Set(), due: new Set(), output: '' };
    earlier.set(request, found);
  }
  return found;
}

/** Whether the patch changed the object. */
function applyPatch(
  operations: readonly unknown[],
  { request, view }: { readonly request: AdmissionRequest; readonly view: AdmissionView },
): boolean {
  if (operations.length === 0) return false;
  let patched: unknown;
  try {
    patched = applyJsonPatch(request.object, operations);
  } catch (error) {
    if (error instanceof PatchSyntaxError || error instanceof PatchApplyError) throw internalError(error.message);
    throw error;
  }
  if (jsonEqual(patched, request.object)) return false;
  replaceObject(request, patched, view);
  return true;
}

function annotate(
  { configuration, hook }: ConfiguredWebhook,
  { request, changed, place }: { request: AdmissionRequest; changed: boolean; place: string },
): void {
  const key = `mutation.webhook.admission.k8s.io/${place}`;
  request.auditAnnotations.set(
    key,
    JSON.stringify({ configuration: configuration.metadata.name, webhook: hook.name, mutated: changed }),
  );
}
