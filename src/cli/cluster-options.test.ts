import { expect, test } from 'vitest';
import { neverUp, purgeCommand, upCommand } from './cluster-options.ts';

test.each([
  [{ name: 'portico' }, 'sudo ./portico up'],
  [{ name: 'blue', dataDir: '/srv/blue' }, 'sudo ./portico up --name blue --data-dir /srv/blue'],
  [{ name: 'portico', dataDir: "/my data/it's" }, "sudo ./portico up --data-dir '/my data/it'\\''s'"],
])('%j is started with a line that a shell takes as it is', (flags, line) => {
  expect(upCommand(flags)).toBe(line);
});

test('who asks for a cluster that never was is told how to start it', () => {
  expect(neverUp({ name: 'blue' }, { kubeconfig: '/k' }).message).toBe(
    'the cluster blue has never been up (there is no /k); start it with: sudo ./portico up --name blue',
  );
});

test.each([
  ['portico', '/var/lib/portico/portico', 'sudo ./portico down --purge'],
  ['blue', '/srv/my blue', "sudo ./portico down --name blue --data-dir '/srv/my blue' --purge"],
])('the data of %s in %s is removed by a command that says where it is', (name, dataDir, line) => {
  expect(purgeCommand(name, dataDir)).toBe(line);
});
