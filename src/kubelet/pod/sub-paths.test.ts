import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mountSources } from './sub-paths.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'portico-sub-paths-')));
const volume = join(root, 'volume');
beforeAll(() => {
  mkdirSync(join(volume, 'there'), { recursive: true });
  writeFileSync(join(volume, 'file'), '');
  symlinkSync('there', join(volume, 'inside'));
  symlinkSync('/etc', join(volume, 'outside'));
  symlinkSync('../..', join(volume, 'up'));
});
afterAll(() => rmSync(root, { recursive: true }));

const environment = new Map([
  ['WHO', 'me'],
  ['UP', '..'],
  ['EMPTY', ''],
]);

function source(mount: { readonly subPath?: string; readonly subPathExpr?: string }, isReadonly = false) {
  const volumes = { paths: new Map([['v', volume]]), readonly: new Set(isReadonly ? ['v'] : []), images: new Map() };
  const container = { name: 'c', volumeMounts: [{ name: 'v', mountPath: '/m', ...mount }] };
  return mountSources(container, volumes, environment).then(([path]) => path?.replace(volume, '.'));
}

test.each([
  [{}, '.'],
  [{ subPath: 'there' }, './there'],
  [{ subPath: 'file' }, './file'],
  [{ subPath: 'inside/more' }, './there/more'],
  [{ subPath: 'made/for/it' }, './made/for/it'],
  [{ subPathExpr: '$(WHO)/data' }, './me/data'],
])('%j', async (mount, expected) => {
  expect(await source(mount)).toBe(expected);
});

test.each(['outside', 'outside/portico-made', 'up/volume'])(
  '%s leads out of the volume and is refused',
  async (subPath) => {
    await expect(source({ subPath })).rejects.toThrow('failed to prepare subPath for volumeMount "v" of container "c"');
    expect(existsSync('/etc/portico-made')).toBe(false);
  },
);

test.each([
  [{ subPath: '../volume' }, "unable to provision SubPath `../volume`: must not contain '..'"],
  [{ subPathExpr: 'there/$(UP)' }, "unable to provision SubPath `there/..`: must not contain '..'"],
  [{ subPathExpr: '/$(WHO)' }, 'error SubPath `/me` must not be an absolute path'],
  [{ subPathExpr: '$(WHO)/$(NOBODY)/$(EMPTY)' }, 'missing value for EMPTY, NOBODY'],
])('%j cannot be a sub path', async (mount, why) => {
  await expect(source(mount)).rejects.toThrow(why);
});

test('nothing is made in what is only read', async () => {
  await expect(source({ subPath: 'absent' }, true)).rejects.toThrow('failed to prepare subPath');
  expect(existsSync(join(volume, 'absent'))).toBe(false);
});

test('what is made has the mode of its volume, what is there keeps its own', async () => {
  const modeOf = (path: string) => statSync(join(volume, path)).mode & 0o7777;
  const before = modeOf('there');
  chmodSync(volume, 0o2777);
  await source({ subPath: 'there' });
  await source({ subPath: 'for/all' });
  expect(modeOf('there')).toBe(before);
  expect(modeOf('for/all')).toBe(0o2777);
});
