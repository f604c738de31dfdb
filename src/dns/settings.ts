// What an operator may change while the server runs, from the texts of flags or of a file.
import type { Routes } from './forward/forwarder.ts';
import { parseUpstream, type Upstream } from './forward/upstream.ts';
import { nameserversOf } from './resolv-conf.ts';
import { FormatError, labelBytes, labelsOf } from './wire/name.ts';

export interface DnsSettings {
  readonly routes: Routes;
  /** Seconds; 0 to 3600. */
  readonly ttl: number;
}

export interface SettingsTexts {
  /** `ADDR[:PORT]` or `tls://ADDR[:PORT][#NAME]`; `none` alone for nobody; absent for those of resolv.conf. */
  readonly upstream?: readonly string[] | undefined;
  /** `DOMAIN=SERVER[,SERVER…]`. */
  readonly stub?: readonly string[] | undefined;
  readonly ttl?: string | number | undefined;
}

export type ParsedSettings =
  | { readonly kind: 'settings'; readonly settings: DnsSettings }
  /** `message` names the setting and what it must be. */
  | { readonly kind: 'wrong'; readonly message: string };

const upstreamForm =
  'ADDRESS, ADDRESS:PORT or tls://ADDRESS#NAME, such as 10.0.0.10, [fd00::10]:5353 or tls://9.9.9.9#dns.quad9.net';

/** Reads settings; `resolvConf` is the text of the machine's file. */
export function parseSettings({ upstream, stub = [], ttl = 30 }: SettingsTexts, resolvConf: string): ParsedSettings {
  const wrong = (message: string) => ({ kind: 'wrong', message }) as const;
  const seconds = Number(ttl);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 3600)
    return wrong(`ttl ${ttl}: must be 0 to 3600 seconds`);
  const upstreams = upstreamsOf(upstream, resolvConf);
  if (typeof upstreams === 'string') return wrong(`upstream ${upstreams}: must be ${upstreamForm}`);
  const stubs = new Map<string, readonly Upstream[]>();
  for (const text of stub) {
    const at = text.indexOf('=');
    const domain = domainOf(text.slice(0, Math.max(0, at)));
    const servers = serversOf(text.slice(at + 1).split(','));
    if (domain === undefined || typeof servers === 'string')
      return wrong(`stub ${text}: must be DOMAIN=SERVER[,SERVER…], such as example.internal=10.0.0.10`);
    stubs.set(domain, servers);
  }
  return { kind: 'settings', settings: { routes: { upstreams, stubs }, ttl: seconds } };
}

/** The servers, or the text that is none. */
function upstreamsOf(texts: readonly string[] | undefined, resolvConf: string): readonly Upstream[] | string {
  if (!texts) return nameserversOf(resolvConf);
  return texts.length === 1 && texts[0] === 'none' ? [] : serversOf(texts);
}

function serversOf(texts: readonly string[]): readonly Upstream[] | string {
  const servers: Upstream[] = [];
  for (const text of texts) {
    const server = parseUpstream(text);
    if (!server) return text;
    servers.push(server);
  }
  return servers;
}

/** Lower case with the final dot; undefined for what is no domain below the root. */
function domainOf(text: string): string | undefined {
  const labels = labelsOf(text.toLowerCase());
  try {
    for (const label of labels) labelBytes(label);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
  return labels.length === 0 ? undefined : `${labels.join('.')}.`;
}
