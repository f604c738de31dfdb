// The static token file of kube-apiserver (--token-auth-file): CSV records `token,user,uid[,"group1,group2"]`.
import type { User } from '../request.ts';

/** Users by token; of a token that comes twice the last user counts. Throws an Error in kube-apiserver's words. */
export function parseTokenFile(text: string, path = 'token file'): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  for (const record of parseCsv(text)) {
    const [token = '', name = '', uid = '', groups] = record;
    if (record.length < 3) {
      const found = `found ${record.length}`;
      throw new Error(`token file '${path}' must have at least 3 columns (token, user name, user uid), ${found}`);
    }
    if (token === '') continue;
    users.set(token, { name, ...(uid && { uid }), groups: groups ? groups.split(',') : [] });
  }
  return users;
}

/** Records of CSV (RFC 4180) as Go's encoding/csv reads them: empty lines are none, quoted fields may hold line breaks. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|\r?$|)/y;
  while (field.lastIndex < text.length) {
    const start = field.lastIndex;
    const [, quoted, bare = '', end = ''] = field.exec(text) ?? [];
    const atEnd = field.lastIndex >= text.length;
    if (quoted === undefined ? bare.includes('"') : end === '' && !atEnd) {
      const line = text.slice(0, start).split('\n').length;
      const why =
        bare.startsWith('"') || quoted !== undefined
          ? 'extraneous or missing " in quoted-field'
          : 'bare " in non-quoted-field';
      throw new Error(`parse error on line ${line}: ${why}`);
    }
    record.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === ',' && !atEnd) continue;
    if (end === ',') record.push('');
    if (record.length > 1 || record[0] !== '' || quoted !== undefined) records.push(record);
    record = [];
  }
  return records;
}
