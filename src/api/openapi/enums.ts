// The values that fields of a few may have, as the OpenAPI documents tell them: kubectl explain shows them.
import { table } from '../facts/enums.generated.ts';

/** By type and field. Of a list or a map: what its items may be. */
export function readEnums(): (type: string, field: string) => readonly string[] | undefined {
  const values = new Map(
    table.split('\n').map((row) => {
      const [type = '', field = '', list = ''] = row.split('\t');
      return [`${type} ${field}`, list.split(',')];
    }),
  );
  return (type, field) => values.get(`${type} ${field}`);
}
