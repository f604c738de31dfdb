import { expect, test } from 'vitest';
import { realFiles } from '../system/real/files.ts';
import { SettingsSource } from './dns-settings-source.ts';

test('a file that cannot be watched is told of, and ends nothing', () => {
  const logged: string[] = [];
  const log = (line: string) => logged.push(line);
  const flags = { config: '/no-such-folder/dns.yaml', upstream: ['none'] };
  const stop = new AbortController();
  new SettingsSource(flags, { files: realFiles, log }).follow(() => {}, stop.signal);
  stop.abort();
  expect(logged).toEqual([expect.stringContaining(`changes of ${flags.config} are not seen: ENOENT`)]);
});
