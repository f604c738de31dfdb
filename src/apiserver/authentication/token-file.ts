// The static token file of kube-apiserver (--token-auth-file): CSV lines `token,user,uid,"group1,group2"`.
import type { User } from '../request.ts';

/** Users by token. Throws an Error that names the line when one has fewer than three columns or an empty user. */
export function parseTokenFile(text: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const [token = '', name = '', uid = '', groups = '', ...more] = parseCsvLine(line);
    if (token === '' || name === '' || more.length > 0) {
      throw new Error(`token file, line ${index + 1}: expected token,user,uid[,"group1,group2"]`);
    }
    users.set(token, {
      name,
      ...(uid && { uid }),
      groups: groups
        .split(',')
        .map((group) => group.trim())
        .filter(Boolean),
    });
  });
  return users;
}

/** The fields of one line of CSV (RFC 4180, without line breaks inside quotes). */
function parseCsvLine(line: string): string[] {
  const fields: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(,|$)/gy;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]!.trim());
    if (match[3] === '') break;
  }
  return fields;
}
