// Tokens of a label selector's text: identifiers, the words `in` and `notin`, and the operators.

export type TokenKind = 'identifier' | 'in' | 'notin' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written; empty at the end of the text. */
  readonly text: string;
}

const operators: readonly TokenKind[] = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'];
const special = /[=!(),<>]/;
const space = /[ \t\r\n]/;

/** Splits a selector's text; the last token is always `end`. Every text can be split: the parser finds the errors. */
export function labelSelectorTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (space.test(char)) {
      at++;
      continue;
    }
    if (special.test(char)) {
      const operator = operators.find((o) => text.startsWith(o, at))!;
      tokens.push({ kind: operator, text: operator });
      at += operator.length;
      continue;
    }
    let end = at;
    while (end < text.length && !special.test(text[end]!) && !space.test(text[end]!)) end++;
    const word = text.slice(at, end);
    tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
    at = end;
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}
