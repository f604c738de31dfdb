// ./portico installs the npm packages of its checkout, but not where it must not; and finds a Node.js that is new enough.
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { commands } from '../src/cli/commands.ts';

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

test.each([
  ['v20.20.2', false],
  ['v24.6.0', false],
  ['v24.7.0', true],
  ['v25.0.0', true],
])('of an installed package, with a Node.js %s on PATH: runs is %s', async (version, runs) => {
  const folder = await mkdtemp(join(tmpdir(), 'portico-launcher-'));
  try {
    await cp(launcher, join(folder, 'portico'));
    const says = `case "$*" in *--version*) echo ${version} ;; *) echo ran ;; esac`;
    await writeFile(join(folder, 'node'), `#!/bin/sh\n${says}\n`);
    await chmod(join(folder, 'node'), 0o755);
    const env = { PATH: `${folder}:/usr/bin:/bin` };

    const run = promisify(execFile)(join(folder, 'portico'), ['version'], { env });

    if (runs) await expect(run).resolves.toMatchObject({ stdout: 'ran\n' });
    else await expect(run).rejects.toMatchObject({ stderr: 'portico: needs Node.js 24.7 or newer\n' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('package.json and docs ask for the same Node.js', async () => {
  const read = (file: string) => readFile(resolve(import.meta.dirname, '..', file), 'utf8');
  expect(JSON.parse(await read('package.json')).engines.node).toBe('>=24.7');
  expect(await read('docs/testing.md')).toContain('Node.js 24.7 or newer');
});

test('packages of the system are installed for commands that there are', async () => {
  const [, names = ''] = /^ {2}([a-z| ]+)\)\n.*\n.*\n.*see_to_system/m.exec(await readFile(launcher, 'utf8')) ?? [];
  const known = commands.map(({ name }) => name);
  expect(names.split(' | ')).toContain('up');
  expect(names.split(' | ').filter((name) => !known.includes(name))).toEqual([]);
});
