// Each room of src says what it is for, and what it and the pages for users name is there.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');
const paths = readdirSync(src, { recursive: true, encoding: 'utf8' }).map((path) => join(src, path));
const readmes = paths.filter((path) => basename(path) === 'README.md');

test('each folder of src has a README', () => {
  const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const without = folders.filter(({ name }) => !readmes.includes(join(src, name, 'README.md')));
  expect(without.map(({ name }) => name)).toEqual([]);
});

/** Names of source files and of folders: `plan.ts`, `../registry/quota`, `testdata/`, `src/net`. */
function namesIn(text: string): string[] {
  const quoted = [...text.matchAll(/`([\w./-]+)`/g)].map(([, name]) => name!);
  return quoted.filter((name) => /^(src|test|docs)\/|^[\w-][\w./-]*(\.tsx?|\/)$|^\.\.\//.test(name));
}

/** Those of the names that are neither a path from the root nor at or below the folder or one that the text names. */
function missing(names: readonly string[], folder: string): string[] {
  const folders = [folder, ...names.map((name) => join(root, name)).filter((path) => existsSync(path))];
  const isBelow = (path: string) => folders.some((one) => path.startsWith(`${one}/`));
  return names.filter((name) => {
    if (existsSync(join(root, name)) || existsSync(join(folder, name))) return false;
    const end = `/${name.replace(/\/$/, '')}`;
    return !paths.some((path) => path.endsWith(end) && isBelow(path));
  });
}

test('a README names no file and no folder that is not there', () => {
  const wrong = readmes.flatMap((path) =>
    missing(namesIn(readFileSync(path, 'utf8')), dirname(path)).map((name) => `${relative(root, path)}: ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('docs/design.md names no file and no folder that is not there', () => {
  expect(missing(namesIn(readFileSync(join(root, 'docs/design.md'), 'utf8')), src)).toEqual([]);
});

const inside = /^(README\.md|(docs|examples|test)\/.*\.md|src\/.*\/README\.md)$/;
const pages = globSync('**/*.md', { cwd: root, exclude: ['node_modules/**'] })
  .filter((path) => inside.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!.toLowerCase());
  return headings.map((heading) => heading.replace(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-'));
}

test('a page links to nothing that is not there', () => {
  const isWrong = (page: string, link: string): boolean => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? join(root, page) : resolve(root, dirname(page), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
  };
  const wrong = pages.flatMap(({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) => link!);
    return links.filter((link) => isWrong(path, link)).map((link) => `${path}: ${link}`);
  });
  expect(wrong).toEqual([]);
});

test('a page names no path from the root that is not there', () => {
  const rooted = /^(src|test|docs|examples|bench|scripts|api-facts)\/[\w./-]*$/;
  const wrong = pages.flatMap(({ path, text }) => {
    const quoted = [...text.matchAll(/`([^`\s]+)`/g)].map(([, name]) => name!);
    return quoted
      .filter((name) => rooted.test(name) && !existsSync(join(root, name)))
      .map((name) => `${path}: ${name}`);
  });
  expect(wrong).toEqual([]);
});
