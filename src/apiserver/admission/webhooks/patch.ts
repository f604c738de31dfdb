// The patch in a mutating webhook's answer.
import { errorMessage } from '../../../apimachinery/error-message.ts';
import { scanJson } from '../../../apimachinery/json/go-syntax.ts';
import { parseExactly } from '../../../apimachinery/json/int64.ts';
import { internalError } from '../../../apimachinery/status.ts';
import type { AdmissionRequest } from '../admission.ts';
import { WebhookCallError } from './call.ts';
import type { Verdict } from './review.ts';

/**
 * The operations of the patch; none where there is none. Throws a WebhookCallError for what is no JSON patch, which the failure
 * policy may overlook, and 500 where there is no object to change.
 */
export function operationsOf(
  { patch, patchType }: Verdict,
  name: string,
  request: AdmissionRequest,
): readonly unknown[] {
  if (patch === '') return [];
  const parsed = parsePatch(patch);
  if (parsed !== null && !Array.isArray(parsed)) {
    const what = typeof parsed === 'boolean' ? 'bool' : typeof parsed;
    throw undecodable(`json: cannot unmarshal ${what} into Go value of type jsonpatch.Patch`);
  }
  if (parsed === null || parsed.length === 0) return [];
  if (!request.object) {
    const why = 'attempted to modify the object, which is not supported for this operation';
    throw internalError(`admission webhook ${JSON.stringify(name)} ${why}`);
  }
  if (patchType !== 'JSONPatch') throw new WebhookCallError(`unsupported patch type ${JSON.stringify(patchType)}`);
  return parsed;
}

function parsePatch(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw undecodable(jsonProblem(text));
  }
}

/** What Go says of a text that is no JSON. */
function jsonProblem(text: string): string {
  try {
    scanJson(text);
    return 'invalid JSON';
  } catch (error) {
    return errorMessage(error);
  }
}

function undecodable(why: string): WebhookCallError {
  return new WebhookCallError(`received undecodable patch in webhook response: ${why}`);
}
