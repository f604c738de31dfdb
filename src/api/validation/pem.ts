// Blocks of PEM (RFC 7468) in a text, found as Go's encoding/pem finds them: what stands around them is skipped.

export interface PemBlock {
  /** As in `-----BEGIN type-----`. */
  readonly type: string;
  /** Whether there are lines such as `Proc-Type: 4,ENCRYPTED` in it. */
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
}

const [begin, end, dashes] = ['-----BEGIN ', '-----END ', '-----'];

/** Blocks whose base64 cannot be read are none. Each line is looked at once: whoever may write objects chooses the text. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  /** The lines since the last that begins a block. */
  let open: { readonly type: string; readonly lines: string[] } | undefined;
  for (const line of text.split('\n')) {
    const marked = line.replace(/[ \t]*\r?$/, '');
    if (line.startsWith(end)) {
      const block = open && marked === `${end}${open.type}${dashes}` ? blockOf(open.type, open.lines) : undefined;
      if (block) blocks.push(block);
      open = undefined;
    } else if (line.includes(begin)) {
      const isWhole = line.lastIndexOf(begin) === 0 && marked.slice(begin.length).endsWith(dashes);
      open = isWhole ? { type: marked.slice(begin.length, -dashes.length), lines: [] } : undefined;
    } else open?.lines.push(line);
  }
  return blocks;
}

function blockOf(type: string, lines: readonly string[]): PemBlock | undefined {
  const headers = lines.findIndex((line) => !line.includes(':'));
  if (headers < 0 && lines.length > 0) return undefined;
  const base64 = lines.slice(Math.max(headers, 0)).join('').replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  return { type, hasHeaders: headers > 0, bytes: Buffer.from(base64, 'base64') };
}
