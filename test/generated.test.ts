import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

test('generated files are what the tables of facts say', () => {
  const root = resolve(import.meta.dirname, '..');
  const out = mkdtempSync(join(tmpdir(), 'portico-generated-'));
  try {
    execFileSync(process.execPath, [join(root, 'scripts/generate-types.ts'), out]);
    const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
    expect(files.length).toBeGreaterThan(20);
    for (const file of files)
      expect(readFileSync(join(root, file), 'utf8'), file).toBe(readFileSync(join(out, file), 'utf8'));
  } finally {
    rmSync(out, { recursive: true });
  }
});
