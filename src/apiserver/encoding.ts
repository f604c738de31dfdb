// Values as bytes, in the encoding that was negotiated. What only some clients want is loaded when the first one comes.
import type { Tags } from 'yaml';
import { parseExactly } from '../apimachinery/json/int64.ts';
import type { KubeObject } from '../apimachinery/object.ts';
import { formNotAcceptable } from './errors.ts';
import { negotiateStatus, type ResponseFormat } from './negotiation.ts';
import type { ApiRequest, ApiResponse } from './request.ts';

export const loadProtobuf = () => import('../api/protobuf/envelope.ts');
export type Protobuf = Awaited<ReturnType<typeof loadProtobuf>>;

type Encoding = Pick<ResponseFormat, 'encoding' | 'pretty'>;

export const mediaTypes: Readonly<Record<ResponseFormat['encoding'], string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

/** As Go programs write YAML: for readers of YAML 1.1, to whom an unquoted `on` is no text and a time is no text either. */
const yamlForm = { version: '1.1', sortMapEntries: true, indentSeq: false, customTags: withoutDot } as const;

/** To Go a dot alone, as `f:spec` holds it, is no number, and needs no quotes. */
function withoutDot(tags: Tags): Tags {
  const number = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/;
  return tags.map((tag) =>
    typeof tag === 'object' && 'test' in tag && tag.tag === 'tag:yaml.org,2002:float' && tag.test?.test('.')
      ? { ...tag, test: number }
      : tag,
  );
}

/** Indented JSON ends without a newline, as upstream's does. Throws a StatusError 406 for a kind without a message. */
export async function encodeValue(value: unknown, { encoding, pretty }: Encoding): Promise<string | Uint8Array> {
  if (encoding === 'json') return pretty ? JSON.stringify(value, null, 2) : `${JSON.stringify(value)}\n`;
  if (encoding === 'yaml') {
    const { stringify } = await import('yaml');
    return stringify(parseExactly(JSON.stringify(value)), yamlForm);
  }
  const protobuf = await loadProtobuf();
  const typed = value as { apiVersion: string; kind: string };
  return protobuf.enveloped(typed, messageOf(typed, protobuf));
}

/** The message of an object, without an envelope. */
export function messageOf(object: object, { messageOfObject }: Protobuf): Uint8Array {
  const message = messageOfObject(object as Partial<KubeObject>);
  if (!message) throw formNotAcceptable();
  return message;
}

const indentedJson: Encoding = { encoding: 'json', pretty: true };

/** A Status, made as JSON, in the encoding that the client of a resource accepts. */
export async function statusInAcceptedForm(request: ApiRequest, response: ApiResponse): Promise<ApiResponse> {
  const accepted = negotiateStatus(request.headers.accept);
  // For who accepts nothing, upstream writes JSON, always indented.
  const format = accepted ? { ...accepted, pretty: accepted.pretty || isPretty(request) } : indentedJson;
  if (format.encoding === 'json' && !format.pretty) return response;
  const body = await encodeValue(JSON.parse(response.body as string), format);
  return { ...response, headers: { ...response.headers, 'content-type': mediaTypes[format.encoding] }, body };
}

/** Whether JSON is to be indented: asked for, or for people, as far as the client's name tells. */
export function isPretty({ query, headers }: ApiRequest): boolean {
  const asked = query.size > 0 ? query.get('pretty') : null;
  if (asked) return asked === '1' || /^(?:t|true)$/i.test(asked);
  return /^(?:curl|Wget|Mozilla\/5\.0)/.test(headers['user-agent'] ?? '');
}
