import { expect, test } from 'vitest';
import { requireNode } from './require-node.ts';

test.each(['24.7.0', '24.10.1', '25.0.0', '26.10.0', process.versions.node])('%s will do', (version) => {
  expect(() => requireNode(version)).not.toThrow();
});

test.each(['18.0.0', '22.21.0', '24.6.9'])('%s is too old, and is told so', (version) => {
  expect(() => requireNode(version)).toThrow(/needs Node\.js 24\.7 or newer; this one \(\/.*node.*\) is \d/);
});
