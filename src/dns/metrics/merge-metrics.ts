/** The metrics of several processes as one text: samples of the same name and labels are added up. */
export function mergeMetrics(texts: readonly string[]): string {
  const families = new Map<string, { readonly header: string[]; readonly samples: Map<string, number> }>();
  for (const text of texts) {
    for (const block of text.split(/^(?=# HELP )/m)) {
      const lines = block.split('\n').filter((line) => line !== '');
      const header = lines.filter((line) => line.startsWith('#'));
      const name = header[0]?.split(' ')[2];
      if (name === undefined) continue;
      const family = families.get(name) ?? { header, samples: new Map<string, number>() };
      families.set(name, family);
      for (const line of lines.slice(header.length)) {
        const space = line.lastIndexOf(' ');
        const sample = line.slice(0, space);
        family.samples.set(sample, (family.samples.get(sample) ?? 0) + Number(line.slice(space + 1)));
      }
    }
  }
  return [...families.values()]
    .map(({ header, samples }) =>
      [...header, ...[...samples].map(([sample, value]) => `${sample} ${value}`), ''].join('\n'),
    )
    .join('');
}
