// The links of pages that come through a proxy (upstream's proxy.Transport): those to the target's own paths lead through it, too.
// One pass, in time proportional to the page: it is written by whoever runs the pod.
import { type ProxiedPlace, redirectThrough } from './proxy-redirect.ts';

/** By element, its attributes that hold a URL (HTML). */
const urlAttributes = new Map<string, readonly string[]>([
  ['a', ['href']],
  ['applet', ['codebase']],
  ['area', ['href']],
  ['audio', ['src']],
  ['base', ['href']],
  ['blockquote', ['cite']],
  ['body', ['background']],
  ['button', ['formaction']],
  ['command', ['icon']],
  ['del', ['cite']],
  ['embed', ['src']],
  ['form', ['action']],
  ['frame', ['longdesc', 'src']],
  ['head', ['profile']],
  ['html', ['manifest']],
  ['iframe', ['longdesc', 'src']],
  ['img', ['longdesc', 'src', 'usemap']],
  ['input', ['src', 'formaction', 'usemap']],
  ['ins', ['cite']],
  ['link', ['href']],
  ['object', ['classid', 'codebase', 'data', 'usemap']],
  ['q', ['cite']],
  ['script', ['src']],
  ['source', ['src']],
  ['video', ['poster', 'src']],
]);

/** Elements whose content is no markup. */
const rawText = /^(?:iframe|noembed|noframes|plaintext|script|style|textarea|title|xmp)$/;

/** The page as it was, but for those links. */
export function linksThrough(page: string, place: ProxiedPlace): string {
  const parts: string[] = [];
  let written = 0;
  for (const { start, end } of linksOf(page)) {
    parts.push(page.slice(written, start), redirectThrough(page.slice(start, end), place));
    written = end;
  }
  return parts.join('') + page.slice(written);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function* linksOf(page: string): Generator<Range> {
  const name = /[a-z][^\s/>]*/iy;
  let at = page.indexOf('<');
  while (at !== -1) {
    name.lastIndex = at + 1;
    const element = name.exec(page)?.[0].toLowerCase();
    if (element !== undefined) {
      const known = urlAttributes.get(element) ?? [];
      const attributes = attributesFrom(page, name.lastIndex);
      for (const { key, ...value } of attributes.found) if (known.includes(key)) yield value;
      at = rawText.test(element) ? endOfText(page, attributes.end, element) : attributes.end;
    } else if (page.startsWith('<!--', at)) at = after(page, '-->', at + 4);
    else at += 1;
    at = page.indexOf('<', at);
  }
}

interface Attribute extends Range {
  readonly key: string;
}

/** The attributes that have values, and where their tag ends. */
function attributesFrom(page: string, from: number): { readonly found: readonly Attribute[]; readonly end: number } {
  const found: Attribute[] = [];
  const next = /[\s/]*(?:(>)|([^\s/>][^\s/>=]*)(?:\s*=\s*(["']?))?)/y;
  const bare = /[^\s>]*/y;
  let at = from;
  while (true) {
    next.lastIndex = at;
    const [, isEnd, key, quote] = next.exec(page) ?? [];
    // A tag that nobody closes is none.
    if (isEnd === undefined && key === undefined) return { found: [], end: page.length };
    at = next.lastIndex;
    if (isEnd !== undefined) return { found, end: at };
    if (key === undefined || quote === undefined) continue;
    bare.lastIndex = at;
    const close = quote === '' ? at + (bare.exec(page)?.[0].length ?? 0) : page.indexOf(quote, at);
    if (close === -1) return { found: [], end: page.length };
    found.push({ key: key.toLowerCase(), start: at, end: close });
    at = close + quote.length;
  }
}

function endOfText(page: string, from: number, element: string): number {
  const closing = new RegExp(`</${element}[\\s/>]`, 'gi');
  closing.lastIndex = from;
  return closing.exec(page)?.index ?? page.length;
}

function after(page: string, text: string, from: number): number {
  const found = page.indexOf(text, from);
  return found === -1 ? page.length : found + text.length;
}
