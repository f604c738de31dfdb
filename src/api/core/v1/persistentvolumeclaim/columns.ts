import { table } from '../../../../apimachinery/table.ts';

const shortNames = table<string>({
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
});

/** Each mode once, in upstream's order and short form: `RWO,ROX`. */
export function accessModesCell(modes: readonly string[] | undefined): string {
  return Object.entries(shortNames)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}
