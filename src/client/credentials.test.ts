import { expect, test } from 'vitest';
import { FakeClock } from '../system/fake/clock.ts';
import { type Credential, fileCredentials, keptCredentials } from './credentials.ts';

test('requests at once share one reading, and later ones have it for as long as it says', async () => {
  const clock = new FakeClock();
  let readings = 0;
  const source = keptCredentials(async () => {
    readings += 1;
    return { credential: { token: `t${readings}` }, until: clock.now() + 1000 };
  }, clock);
  expect(await Promise.all([source.get(), source.get()])).toEqual([{ token: 't1' }, { token: 't1' }]);
  clock.advance(999);
  expect(await source.get()).toEqual({ token: 't1' });
  clock.advance(1);
  expect(await source.get()).toEqual({ token: 't2' });
  source.refused();
  expect(await source.get()).toEqual({ token: 't3' });
});

test('a file that is missing for a moment changes nothing; one that never was there is told', async () => {
  const clock = new FakeClock();
  let file: string | undefined;
  const read = async (): Promise<Credential> => {
    if (file === undefined) throw new Error('the token file /t does not exist');
    return { token: file };
  };
  const source = fileCredentials(read, clock);
  await expect(source.get()).rejects.toThrow('the token file /t does not exist');
  file = 'one';
  expect(await source.get()).toEqual({ token: 'one' });
  file = undefined;
  clock.advance(60_000);
  expect(await source.get()).toEqual({ token: 'one' });
  file = 'two';
  expect(await source.get()).toEqual({ token: 'one' });
  source.refused();
  expect(await source.get()).toEqual({ token: 'two' });
});
