import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../system/fake/clock.ts';
import type { Conversation, ConversationOptions, Follow } from '../../system/follow.ts';
import { SyncError } from '../backend.ts';
import { NftSession } from './nft-session.ts';

/** What versions of nft say of a word that they do not know, before they repeat it. */
const answers = {
  '1.0.6': ['', 'Error: syntax error, unexpected newline, expecting string'],
  '1.1.3': ['', 'Error: syntax error, unexpected newline, expecting string or last'],
  '1.1.7': ['', 'Error: syntax error, unexpected newline', 'expected any of: <string>, last'],
} as const;

/** An `nft -i` that answers the words it does not know as a version of nft does, and refuses lines with `refuse` in them. */
class FakeNft implements Follow {
  readonly told: string[] = [];
  started = 0;
  #end: () => void = () => {};
  silent = false;
  killed = 0;
  readonly #answer: readonly string[];

  constructor(version: keyof typeof answers = '1.0.6') {
    this.#answer = answers[version];
  }

  lines(): AsyncIterable<string> {
    throw new Error('not here');
  }

  bytes(): AsyncIterable<Uint8Array> {
    throw new Error('not here');
  }

  converse(_: readonly string[], { heard }: ConversationOptions): Conversation {
    this.started += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#end = resolve;
    const tell = (text: string) => {
      if (this.silent) return;
      for (const line of text.trimEnd().split('\n')) {
        this.told.push(line);
        if (line.includes('refuse')) for (const part of ['Error: No such file', line, '    ^^^^']) heard(part);
        if (!line.startsWith('fence')) continue;
        for (const part of [...this.#answer, line, '      ^']) heard(part);
      }
    };
    return { tell, end: () => resolve(), kill: () => this.killed++, ended: promise };
  }

  die(): void {
    this.#end();
  }
}

describe('a session with nft', () => {
  test('tells a transaction in one line, and ends with the answer to its fence', async () => {
    const nft = new FakeNft();
    const session = new NftSession(nft, new FakeClock());
    await session.run('add element ip t s { 1.1.1.1 }\ndelete element ip t s { 1.1.1.2 }\n');
    expect(nft.told).toEqual(['add element ip t s { 1.1.1.1 } ; delete element ip t s { 1.1.1.2 }', 'fence1']);
  });

  test.each(Object.keys(answers) as (keyof typeof answers)[])(
    'gives the words of a refusal, and goes on: nft %s',
    async (version) => {
      const session = new NftSession(new FakeNft(version), new FakeClock());
      await expect(session.run('refuse me')).rejects.toThrow(new SyncError('nft: Error: No such file | refuse me'));
      await session.run('add element ip t s { 1.1.1.1 }');
      expect(session.usable).toBe(true);
    },
  );

  test('starts the program anew when it died between transactions, and from time to time', async () => {
    const nft = new FakeNft();
    const session = new NftSession(nft, new FakeClock());
    await session.run('one');
    nft.die();
    await Promise.resolve();
    await session.run('two');
    expect(nft.started).toBe(2);
    for (let i = 0; i < 1000; i += 1) await session.run('more');
    expect(nft.started).toBe(3);
  });

  test('ends a program that gives no answer, and goes on with another', async () => {
    const nft = new FakeNft();
    const clock = new FakeClock();
    const session = new NftSession(nft, clock);
    await session.run('one');
    nft.silent = true;
    const answer = session.run('two');
    clock.advance(60_000);
    await expect(answer).rejects.toThrow(SyncError);
    expect(nft.killed).toBe(1);
    nft.silent = false;
    await session.run('three');
    expect([nft.started, session.usable]).toEqual([2, true]);
    clock.advance(60_000);
    expect(nft.killed).toBe(1);
  });

  test('is of no use where nft ends before its first answer', async () => {
    const nft = new FakeNft();
    nft.silent = true;
    const session = new NftSession(nft, new FakeClock());
    const answer = session.run('one');
    nft.die();
    await expect(answer).rejects.toThrow(SyncError);
    expect(session.usable).toBe(false);
  });
});
