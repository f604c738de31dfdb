import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubectlOnPath } from './kubectl.ts';

test('the first on PATH, past what cannot be looked at', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-kubectl-'));
  try {
    for (const name of ['empty', 'circle', 'folder/kubectl', 'first', 'second']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    symlinkSync('kubectl', join(folder, 'circle/kubectl'));
    for (const name of ['first', 'second']) writeFileSync(join(folder, name, 'kubectl'), '');
    expect(kubectlOnPath(undefined)).toBeUndefined();
    const path = ['', 'nowhere', 'empty', 'circle', 'folder', 'first', 'second']
      .map((name) => join(folder, name))
      .join(':');
    expect(kubectlOnPath(path)).toBe(join(folder, 'first/kubectl'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
