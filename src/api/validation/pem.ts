// Blocks of PEM (RFC 7468) in a text, found as Go's encoding/pem finds them: what stands around them is skipped.

export interface PemBlock {
  /** As in `-----BEGIN type-----`. */
  readonly type: string;
  /** Whether there are lines such as `Proc-Type: 4,ENCRYPTED` in it. */
  readonly hasHeaders: boolean;
  readonly bytes: Buffer;
}

const block = /^-----BEGIN ([^\n]*)-----[ \t\r]*\n([\s\S]*?)^-----END \1-----[ \t\r]*$/gm;

/** Blocks whose base64 cannot be read are none. */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(block)].flatMap(([, type = '', body = '']) => {
    const lines = body.split('\n');
    const headers = lines.findIndex((line) => !line.includes(':'));
    const base64 = lines.slice(headers).join('').replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64) || base64.length % 4 !== 0) return [];
    return [{ type, hasHeaders: headers > 0, bytes: Buffer.from(base64, 'base64') }];
  });
}
