// Why a text is no YAML, in the words of upstream's library (go.yaml.in/yaml), which stops at the first thing that it does not
// expect. Ours sees the same mistakes otherwise; of those that it alone makes its own words stay.

/** An error of the library `yaml`. */
export interface YamlProblem {
  readonly message: string;
  /** Offsets in the text: where it begins, where it ends. */
  readonly pos: readonly number[];
}

/**
 * Upstream's scanner counts lines from one and its parser from zero, and neither tells the first one. `nobody`: found when the
 * document is put together, without a line.
 */
type Finder = 'scanner' | 'parser' | 'nobody';

interface Words {
  readonly when: RegExp;
  readonly if?: (place: Place) => boolean;
  readonly by: Finder;
  readonly say: string | ((place: Place) => string);
  /** The offset of what upstream stumbles over; default: where the problem begins. */
  readonly at?: (place: Place) => number;
}

interface Place {
  readonly text: string;
  readonly at: number;
  readonly message: string;
}

const noKey = 'did not find expected key';
const noItem = "did not find expected '-' indicator";
const noContent = 'did not find expected node content';
const noToken = 'found character that cannot start any token';
const noMapHere = 'mapping values are not allowed in this context';
const noMerge = 'map merge requires map or sequence of maps as the value';

/** The first that matches. */
const known: readonly Words[] = [
  { when: /^Nested mappings .*compact/, if: isQuoted, by: 'parser', say: noKey },
  { when: /^Nested mappings .*compact/, by: 'scanner', say: mapOrKey, at: nextColon },
  { when: /same line with directives-end/, by: 'scanner', say: noMapHere },
  { when: /^Implicit keys need .*single line/, if: isItem, by: 'parser', say: noKey },
  { when: /^Implicit keys need .*single line/, if: isFirst, by: 'scanner', say: noMapHere, at: nextColon },
  { when: /^Implicit (?:keys|map keys) need/, by: 'scanner', say: "could not find expected ':'", at: nextLine },
  { when: /^All mapping items/, by: 'parser', say: noKey },
  { when: /^All sequence items/, by: 'parser', say: noItem },
  { when: /^Sequence item without/, by: 'parser', say: noKey },
  { when: /^Flow (?:map|sequence) .*must /, by: 'parser', say: unclosed, at: closing },
  { when: /^Block collections are not .*flow/, by: 'parser', say: unclosed },
  { when: /^Missing closing/, by: 'scanner', say: 'found unexpected end of stream', at: ({ text }) => text.length },
  { when: /^Tabs are not allowed/, by: 'scanner', say: noToken },
  { when: /^Plain value cannot start with flow/, by: 'parser', say: noContent },
  { when: /^Plain value cannot start with block/, by: 'scanner', say: noToken },
  { when: /^Plain value cannot start/, by: 'scanner', say: noToken },
  { when: /^Unexpected flow-.*-end token/, by: 'parser', say: strayBracket },
  {
    when: /^Unexpected block-seq-ind/,
    by: 'scanner',
    say: 'block sequence entries are not allowed in this context',
  },
  { when: /^Unexpected scalar at node end/, by: 'parser', say: ({ text }) => (/^\s*-\s/.test(text) ? noItem : noKey) },
  { when: /^An alias node must not/, by: 'parser', say: noKey },
  {
    when: /^Unresolved alias/,
    by: 'nobody',
    say: ({ message }) => `unknown anchor '${afterColon(message)}' referenced`,
  },
  {
    when: /^(?:Alias|Anchor) cannot be an empty/,
    by: 'scanner',
    say: 'did not find expected alphabetic or numeric character',
  },
  { when: /^Invalid escape sequence/, by: 'scanner', say: wrongEscape },
  {
    when: /^Block scalar lines must not/,
    by: 'scanner',
    say: 'found a tab character where an indentation space is expected',
  },
  {
    when: /^Block scalar header .*[|>][-+]?0/,
    by: 'scanner',
    say: 'found an indentation indicator equal to 0',
  },
  {
    when: /^(?:Block scalar header|Not a YAML token)/,
    by: 'scanner',
    say: 'did not find expected comment or line break',
  },
  { when: /^Could not resolve tag/, by: 'parser', say: 'found undefined tag handle' },
  { when: /^Merge sources/, by: 'nobody', say: noMerge },
];

/** `line 2: did not find expected key`; undefined for what upstream would not say. */
export function upstreamWords({ message, pos }: YamlProblem, text: string): string | undefined {
  const place = { text, at: pos[0] ?? 0, message };
  const words = known.find((one) => one.when.test(message) && (!one.if || one.if(place)));
  if (!words) return undefined;
  const say = typeof words.say === 'string' ? words.say : words.say(place);
  return `${line(words.by, text, words.at ? words.at(place) : place.at)}${say}`;
}

function line(by: Finder, text: string, at: number): string {
  const before = by === 'nobody' ? 0 : text.slice(0, at).split('\n').length - 1;
  // What comes after the text stands on a line of its own.
  const index = at > text.length && !text.endsWith('\n') ? before + 1 : before;
  if (index === 0) return '';
  return `line ${by === 'scanner' ? index + 1 : index}: `;
}

/** A text that ends before what follows it. */
function isQuoted({ text, at }: Place): boolean {
  return /^(?:"[^"\n]*"|'[^'\n]*')[ \t]+[^\s:#]/.test(text.slice(at));
}

/** A question mark begins a key where none may be. */
function mapOrKey({ text, at }: Place): string {
  return /^\?(?:\s|$)/.test(text.slice(at)) ? 'mapping keys are not allowed in this context' : noMapHere;
}

function isItem({ text, at }: Place): boolean {
  return /^-\s/.test(text.slice(at));
}

/** What stands first in its place may yet be no key: there a text goes on. */
function isFirst({ text, at }: Place): boolean {
  const before = text.slice(0, at).trimEnd();
  if (before === '' || /(?:^|\s)-$/.test(before)) return true;
  const parent = before.slice(before.lastIndexOf('\n') + 1);
  const column = at - (text.lastIndexOf('\n', at - 1) + 1);
  return before.endsWith(':') && parent.search(/\S/) < column;
}

function nextColon({ text, at }: Place): number {
  const found = /:(?:\s|$)/.exec(text.slice(at));
  return found ? at + found.index : at;
}

function nextLine({ text, at }: Place): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length + 1 : end + 1;
}

function closing({ text, at }: Place): number {
  return at >= text.trimEnd().length ? text.length + 1 : at;
}

function unclosed({ text, at, message }: Place): string {
  const before = text.slice(0, at).trimEnd().at(-1);
  if (at >= text.trimEnd().length && before !== undefined && '[{,'.includes(before)) return noContent;
  return `did not find expected ',' or '${/sequence|\]/.test(message) ? ']' : '}'}'`;
}

function strayBracket({ text, at }: Place): string {
  const before = text.slice(0, at).trimEnd().at(-1);
  return before === undefined || ':-,[{'.includes(before) ? noContent : noKey;
}

function wrongEscape({ message }: Place): string {
  const [, kind = '', digits = ''] = /sequence \\(.)(.*)$/.exec(message) ?? [];
  const length = { x: 2, u: 4, U: 8 }[kind];
  if (length === undefined) return 'found unknown escape character';
  const isWhole = new RegExp(`^[0-9a-fA-F]{${length}}`).test(digits);
  return isWhole ? 'found invalid Unicode character escape code' : 'did not find expected hexdecimal number';
}

function afterColon(message: string): string {
  return message.slice(message.lastIndexOf(': ') + 2);
}
