// What form the client wants its answer in: read from the Accept header, as kube-apiserver reads it.
import { table } from '../apimachinery/table.ts';
import { formNotAcceptable, notAcceptable, streamNotAcceptable } from './errors.ts';

export interface ResponseFormat {
  readonly encoding: 'json' | 'yaml' | 'protobuf';
  /** `meta.k8s.io` forms of objects and lists. */
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Of Tables and partial metadata: `v1` or `v1beta1`. */
  readonly version: string;
  /** JSON is indented. */
  readonly pretty: boolean;
}

/** What there is to choose from. */
export interface Offer {
  /** Watches: YAML has no form for a stream. */
  readonly isWatch: boolean;
  /** Watches and lists. */
  readonly isCollection: boolean;
  /** Custom resources have no protocol buffers, save of their metadata. */
  readonly isCustom: boolean;
  /** Reviews and the like are answers to one question, and no rows: they have no Table. */
  readonly hasTable: boolean;
  /** Default true. Documents that are no objects have neither rows nor metadata. */
  readonly hasForms?: boolean;
  /** Default: what is not custom. Routes look at the header first, and know no type by its half. */
  readonly isRouted?: boolean;
}

const plain: ResponseFormat = { encoding: 'json', as: 'object', version: 'v1', pretty: false };
const everything: Offer = { isWatch: false, isCollection: false, isCustom: false, hasTable: true };

export interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseRange(text: string): MediaRange {
  const [name = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    const value = part.slice(equals + 1).trim();
    if (equals > 0 && value !== '') parameters.set(part.slice(0, equals).trim(), value);
  }
  const quality = Number(parameters.get('q') ?? 1);
  const [type = '', subtype = ''] = name.split('/');
  return { type, subtype, parameters, quality: Number.isNaN(quality) ? 1 : quality };
}

/** The better comes first: by quality, then what is named before what is a wildcard. */
function compareRanges(a: MediaRange, b: MediaRange): number {
  const wildcards = ({ type, subtype }: MediaRange) => Number(type === '*') + Number(subtype === '*');
  return b.quality - a.quality || wildcards(a) - wildcards(b);
}

/** What an Accept header asks for, the preferred first. */
export function mediaRanges(accept: string): MediaRange[] {
  return accept.split(',').map(parseRange).sort(compareRanges);
}

const encodings = table<ResponseFormat['encoding']>({
  json: 'json',
  yaml: 'yaml',
  'vnd.kubernetes.protobuf': 'protobuf',
  '*': 'json',
});

const forms = table<ResponseFormat['as']>({
  Table: 'Table',
  PartialObjectMetadata: 'PartialObjectMetadata',
  PartialObjectMetadataList: 'PartialObjectMetadataList',
});

function encodingOf({ type, subtype }: MediaRange): ResponseFormat['encoding'] | undefined {
  if (type === '*') return subtype === '*' || subtype === '' ? 'json' : undefined;
  return type === 'application' ? encodings[subtype] : undefined;
}

/** What the routes of built-in kinds look at first: the type alone, named or any. */
function isProduced({ type, subtype }: MediaRange): boolean {
  return type === '*' ? subtype === '*' : type === 'application' && subtype !== '*' && subtype in encodings;
}

function formatOf(range: MediaRange, { isCustom, hasTable, hasForms = true }: Offer): ResponseFormat | undefined {
  const encoding = encodingOf(range);
  if (encoding === undefined) return undefined;
  const { parameters } = range;
  const stream = parameters.get('stream') ?? '';
  if (stream !== '' && (stream !== 'watch' || encoding === 'yaml')) return undefined;
  const serverVersion = parameters.get('sv') ?? '';
  if (serverVersion !== '' && !(hasForms && serverVersion === 'v1')) return undefined;
  const pretty = parameters.get('pretty') === '1';
  if (!['as', 'g', 'v'].some((name) => parameters.has(name))) {
    return encoding === 'protobuf' && isCustom ? undefined : { encoding, as: 'object', version: 'v1', pretty };
  }
  if (!hasForms) return undefined;
  const as = forms[parameters.get('as') ?? ''];
  const version = parameters.get('v') ?? '';
  const isKnown = parameters.get('g') === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1');
  // A Table's cells are of any type, which has no message.
  const isPossible = as !== 'Table' || (hasTable && encoding !== 'protobuf');
  return as && isKnown && isPossible ? { encoding, as, version, pretty } : undefined;
}

/** Throws a 406 StatusError when nothing that the client accepts can be made. */
export function negotiate(accept: string | undefined, offer: Offer = everything): ResponseFormat {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return plain;
  const ranges = mediaRanges(accept);
  const { isRouted = !offer.isCustom } = offer;
  if (isRouted && !ranges.some(isProduced)) throw notAcceptable(offer);
  for (const range of ranges) {
    const format = formatOf(range, offer);
    if (!format) continue;
    if (offer.isWatch && format.encoding === 'yaml') throw streamNotAcceptable();
    return format;
  }
  throw formNotAcceptable();
}

const statusOffer: Offer = { ...everything, hasForms: false, isRouted: false };

/** The form of a Status; undefined: the client accepts nothing that there is. */
export function negotiateStatus(accept: string | undefined): ResponseFormat | undefined {
  try {
    return negotiate(accept, statusOffer);
  } catch {
    return undefined;
  }
}

/** Whether the client can read an answer compressed with gzip. */
export function acceptsGzip(header: string | undefined): boolean {
  // As upstream, which reads no qualities: who sends one gets the answer as it is.
  return header?.split(',').some((part) => part.trim() === 'gzip') ?? false;
}
