// ./portico installs the npm packages of its checkout; here, where it must not.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const launcher = resolve(import.meta.dirname, '../portico');

test('packages behind a link are left alone when they are not those of the lock file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-launcher-'));
  try {
    const checkout = join(folder, 'checkout');
    await mkdir(join(folder, 'shared', 'package'), { recursive: true });
    await mkdir(join(checkout, 'src/cli'), { recursive: true });
    await cp(launcher, join(checkout, 'portico'));
    await writeFile(join(checkout, 'src/cli/main.ts'), '');
    await writeFile(join(checkout, 'package.json'), '{"name":"x","version":"1.0.0"}');
    await writeFile(
      join(checkout, 'package-lock.json'),
      '{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{}}',
    );
    await symlink('../shared', join(checkout, 'node_modules'));

    const run = promisify(execFile)(join(checkout, 'portico'), ['--help']);

    await expect(run).rejects.toMatchObject({ stderr: expect.stringContaining('remove the link') });
    expect(await readdir(join(folder, 'shared'))).toEqual(['package']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
