// /statusz and /flagz: what runs here, since when, with which flags. As text for people, or as objects of config.k8s.io.
import { formatTime } from '../../apimachinery/time.ts';
import { encodeValue, mediaTypes } from '../encoding.ts';
import { methodNotAllowed, noneAccepted } from '../errors.ts';
import type { PathHandler } from '../extensions.ts';
import { warningHeaders } from '../handlers/render.ts';
import { type MediaRange, mediaRanges } from '../negotiation.ts';
import { type ApiRequest, type ApiResponse, textResponse } from '../request.ts';
import type { VersionInfo } from '../version.ts';

export interface ZpagesOptions {
  readonly version: VersionInfo;
  /** Names without dashes in front, values as text: shown as they are, so none may be secret. */
  readonly flags: Readonly<Record<string, string>>;
  /** When the server started: milliseconds since the epoch. */
  readonly started: number;
  /** For how many milliseconds it has run, whatever the time was set to meanwhile. */
  up(): number;
}

/** What both are called in their pages, as upstream's library for API servers has it. */
const component = 'apiserver';
const group = 'config.k8s.io';
const warning =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.';

/** What can be read beside resources, but for what lies below these. */
const paths = ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/version'];

interface Page {
  readonly kind: 'Flagz' | 'Statusz';
  text(): string;
  fields(): Readonly<Record<string, unknown>>;
}

export function zpages(options: ZpagesOptions): PathHandler[] {
  return [
    { path: '/flagz', isListed: true, handle: (request) => answer(request, flagz(options)) },
    { path: '/statusz', isListed: true, handle: (request) => answer(request, statusz(options)) },
  ];
}

function flagz({ flags }: ZpagesOptions): Page {
  const sorted = Object.entries(flags).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    kind: 'Flagz',
    text: () => sorted.map(([name, value]) => `${name}=${value}\n`).join(''),
    fields: () => ({ flags: Object.fromEntries(sorted) }),
  };
}

function statusz({ version, started, up }: ZpagesOptions): Page {
  const binaryVersion = version.gitVersion.slice(1);
  const emulationVersion = `${version.major}.${version.minor}`;
  const uptimeSeconds = Math.floor(up() / 1000);
  return {
    kind: 'Statusz',
    text: () =>
      [
        `Started: ${unixDate(started)}`,
        `Up: ${uptime(uptimeSeconds)}`,
        `Go version: ${version.goVersion}`,
        `Binary version: ${binaryVersion}`,
        `Emulation version: ${emulationVersion}`,
        `Paths: ${paths.join(' ')}`,
        '',
      ].join('\n'),
    fields: () => ({
      startTime: formatTime(started),
      uptimeSeconds,
      goVersion: version.goVersion,
      binaryVersion,
      emulationVersion,
      paths,
    }),
  };
}

/** `Sat Nov 21 16:51:33 UTC 2026`. */
function unixDate(milliseconds: number): string {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(milliseconds).toUTCString().split(/,? /);
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${time} UTC ${year}`;
}

function uptime(seconds: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
}

type Form = 'text' | { readonly encoding: 'json' | 'yaml'; readonly version: 'v1alpha1' | 'v1beta1' };

/** An object only where its kind is named whole; text for who takes anything. */
function formOf({ type, subtype, parameters }: MediaRange, kind: string): Form | undefined {
  if ((type === 'text' && (subtype === 'plain' || subtype === '*')) || (type === '*' && subtype === '*')) return 'text';
  if (type !== 'application' || (subtype !== 'json' && subtype !== 'yaml')) return undefined;
  const version = parameters.get('v');
  const isNamed = parameters.get('g') === group && parameters.get('as') === kind;
  return isNamed && (version === 'v1alpha1' || version === 'v1beta1') ? { encoding: subtype, version } : undefined;
}

async function answer({ headers, method }: ApiRequest, { kind, text, fields }: Page): Promise<ApiResponse> {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  const ranges = mediaRanges(headers.accept || '*/*');
  const form = ranges.map((range) => formOf(range, kind)).find((one) => one !== undefined);
  if (!form) throw noneAccepted(['text/plain', mediaTypes.json, mediaTypes.yaml]);
  if (form === 'text') return textResponse(200, `\n${component} ${kind.toLowerCase()}\n${warning}\n\n${text()}`);
  const { encoding, version } = form;
  const object = { kind, apiVersion: `${group}/${version}`, metadata: { name: component }, ...fields() };
  const deprecated = `${group}/v1alpha1 ${kind} is deprecated in v1.36+; use ${group}/v1beta1 ${kind}`;
  return {
    status: 200,
    headers: {
      'content-type': mediaTypes[encoding],
      ...(version === 'v1alpha1' && { warning: warningHeaders(new Set([deprecated])) }),
    },
    body: await encodeValue(object, { encoding, pretty: false }),
  };
}
