// What form the client wants its answer in: read from the Accept header.
import { notAcceptable } from './errors.ts';

export interface ResponseFormat {
  readonly encoding: 'json' | 'yaml';
  /** `meta.k8s.io/v1` forms of objects and lists. */
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata';
  /** For Tables: `v1` or `v1beta1`. */
  readonly version: string;
}

const plain: ResponseFormat = { encoding: 'json', as: 'object', version: 'v1' };

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    if (equals > 0) parameters.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  const quality = Number(parameters.get('q') ?? 1);
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

const forms: Readonly<Record<string, ResponseFormat['as']>> = {
  Table: 'Table',
  PartialObjectMetadata: 'PartialObjectMetadata',
  PartialObjectMetadataList: 'PartialObjectMetadata',
};

function formatOf({ type, parameters }: MediaRange): ResponseFormat | undefined {
  const isYaml = type === 'application/yaml';
  if (!isYaml && !['application/json', 'application/*', '*/*'].includes(type)) return undefined;
  const as = parameters.get('as');
  const encoding = isYaml ? 'yaml' : 'json';
  if (as === undefined) return { encoding, as: 'object', version: 'v1' };
  const form = forms[as];
  const version = parameters.get('v') ?? 'v1';
  const known = parameters.get('g') === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1');
  return form && known ? { encoding, as: form, version } : undefined;
}

/** Throws a 406 StatusError when nothing that the client accepts can be made. */
export function negotiate(accept: string | undefined): ResponseFormat {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return plain;
  const ranges = accept.split(',').map(parseRange);
  ranges.sort((a, b) => b.quality - a.quality);
  for (const range of ranges) {
    const format = formatOf(range);
    if (format) return format;
  }
  throw notAcceptable();
}

/** Whether the client can read an answer compressed with gzip. */
export function acceptsGzip(header: string | undefined): boolean {
  return header?.split(',').some((part) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$))?/.test(part)) ?? false;
}
