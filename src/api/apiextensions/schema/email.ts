// Addresses of mail as Go's net/mail reads one: `a@b.example`, `"a b"@[10.0.0.1] (comment)`, `A Name <a@b.example>`.
// Tokens are read one after the other, each in linear time: whoever may write objects chooses the texts.
import { parseIPSloppy } from '../../../net/ip.ts';

const atext = String.raw`[^\x00-\x20\x7f()<>[\]:;@\\,".]`;
const space = /[ \t]*/y;
const dotAtom = new RegExp(`${atext}+(?:\\.${atext}+)*(?!\\.)`, 'y');
/** In names dots may stand anywhere. */
const nameAtom = new RegExp(`(?:${atext}|\\.)+`, 'y');
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const quotedText = /"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*)"/y;
const domainLiteral = /\[([^[\]\\]*)\]/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** What stands here, past which it goes. */
  take(token: RegExp): RegExpExecArray | undefined {
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (!match) return undefined;
    this.#at = token.lastIndex;
    return match;
  }

  takeChar(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** Spaces, and comments in (nested) parentheses; false: one is not closed. */
  skipComments(): boolean {
    this.take(space);
    while (this.takeChar('(')) {
      for (let depth = 1; depth > 0; this.#at++) {
        const char = this.#text[this.#at];
        if (char === undefined) return false;
        if (char === '\\') this.#at++;
        else if (char === '(') depth++;
        else if (char === ')') depth--;
      }
      this.take(space);
    }
    return true;
  }

  /** `local@domain`. Stays where it is when there is none. */
  addrSpec(): boolean {
    const start = this.#at;
    this.take(space);
    const local = this.take(quotedText)?.[1] ?? this.take(dotAtom)?.[0];
    if (local && this.takeChar('@') && this.#domain()) return true;
    this.#at = start;
    return false;
  }

  #domain(): boolean {
    this.take(space);
    const literal = this.take(domainLiteral);
    if (literal) return parseIPSloppy(literal[1]!)?.leadingZeros === false;
    return this.take(dotAtom) !== undefined;
  }
}

/** Of one address; a group of addresses is none. */
export function isEmail(text: string): boolean {
  const reader = new Reader(text);
  reader.take(space);
  if (!reader.addrSpec()) {
    while (reader.take(quotedText) ?? reader.take(nameAtom)) {
      if (!reader.skipComments()) return false;
    }
    if (!reader.takeChar('<') || !reader.addrSpec() || !reader.takeChar('>')) return false;
  }
  return reader.skipComments() && reader.atEnd;
}
