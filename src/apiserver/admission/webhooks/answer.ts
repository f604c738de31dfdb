// The body of a webhook's answer as an AdmissionReview, or why it is none, in the words of Go's decoder.
import { canonicalBase64 } from '../../../apimachinery/base64.ts';
import { parseExactly } from '../../../apimachinery/json/int64.ts';
import { isObject, type JsonObject } from '../../../apimachinery/json/value.ts';
import { table } from '../../../apimachinery/table.ts';

/** Where upstream makes the scheme that it decodes answers with: it stands in messages. */
const scheme = 'k8s.io/apiserver/pkg/util/webhook/client.go:71';
const group = 'admission.k8s.io';

/** `version` is that of the question: `admission.k8s.io/v1`. Throws an Error that says what is wrong. */
export function parseAnswer(text: string, version: string): JsonObject {
  const answer = parse(text) ?? {};
  if (!isObject(answer)) {
    const into =
      'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
    throw new Error(`couldn't get version/kind; json parse error: ${unfit(answer, `value of type ${into}`)}`);
  }
  const { apiVersion, kind } = answer;
  if (typeof apiVersion === 'string' && apiVersion !== '' && typeof kind === 'string' && kind !== '') {
    checkKind({ apiVersion, kind }, version);
  }
  if (isObject(answer.response)) checkFields(answer.response);
  return answer;
}

/** What is no JSON is a text, as YAML has it. */
function parse(text: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function checkKind({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }, wanted: string): void {
  const isKnown = kind === 'AdmissionReview' && [`${group}/v1`, `${group}/v1beta1`].includes(apiVersion);
  if (!isKnown) throw new Error(`no kind "${kind}" is registered for version "${apiVersion}" in scheme "${scheme}"`);
  if (apiVersion === wanted) return;
  const goType = (one: string) => `${one.slice(group.length + 1)}.AdmissionReview`;
  throw new Error(`converting (${goType(apiVersion)}) to (${goType(wanted)}): unknown conversion`);
}

type GoType = 'bool' | 'string' | 'int32' | '[]string' | '[]uint8' | 'map[string]string' | 'v1.Status';

const fields = table<GoType>({
  uid: 'string',
  allowed: 'bool',
  status: 'v1.Status',
  patch: '[]uint8',
  patchType: 'string',
  auditAnnotations: 'map[string]string',
  warnings: '[]string',
});
const statusFields = table<GoType>({ status: 'string', message: 'string', reason: 'string', code: 'int32' });

function checkFields(response: JsonObject): void {
  check(response, fields, 'AdmissionResponse.response');
  if (isObject(response.status)) check(response.status, statusFields, 'Status.response.status');
  if (typeof response.patch !== 'string') return;
  canonicalBase64(response.patch);
}

function check(object: JsonObject, types: Readonly<Record<string, GoType>>, path: string): void {
  for (const [name, type] of Object.entries(types)) {
    const value = object[name];
    if (value === undefined || value === null || isOf(value, type)) continue;
    throw new Error(unfit(value, `struct field ${path}.${name} of type ${type}`));
  }
}

function isOf(value: unknown, type: GoType): boolean {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean';
    case 'int32':
      return typeof value === 'number' && Number.isInteger(value);
    case '[]string':
      return Array.isArray(value);
    case 'map[string]string':
    case 'v1.Status':
      return isObject(value);
    default:
      return typeof value === 'string';
  }
}

function unfit(value: unknown, into: string): string {
  const what = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return `json: cannot unmarshal ${what} into Go ${into}`;
}
