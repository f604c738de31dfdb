// Small transactions go to one `nft -i` that stays: it answers when the kernel has committed. A `nft -f` started for each would
// cost its start, and when it closes its socket the kernel makes it wait until all that was removed is freed: 5 to 15 ms.
import type { Clock } from '../../system/clock.ts';
import type { Conversation, Follow } from '../../system/follow.ts';
import { SyncError } from '../backend.ts';

/** Longer scripts, in characters, are not worth it: the line editor of `nft -i` keeps every line it read. */
export const longestLine = 16_384;

/** After so many transactions the program is started anew, so that what its line editor keeps stays small. */
const transactionsPerProcess = 1000;

/** Milliseconds after which nobody waits for an answer any more: with all of the largest tables to read first, it takes seconds. */
const patience = 60_000;

/** `nft -i` keeps a history in the home folder; this is one that cannot be written. */
const nowhere = { HOME: '/dev/null' };

interface Question {
  readonly fence: string;
  readonly lines: string[];
  readonly resolve: (errors: string[] | undefined) => void;
}

export class NftSession {
  readonly #follow: Follow;
  readonly #clock: Clock;
  #conversation: Conversation | undefined;
  #question: Question | undefined;
  #asked = 0;
  #answered = false;
  #usable = true;

  constructor(follow: Follow, clock: Clock) {
    this.#follow = follow;
    this.#clock = clock;
  }

  /** False once it turned out that this nft cannot be talked with, and after {@link end}. */
  get usable(): boolean {
    return this.#usable;
  }

  /**
   * Runs commands, one a line, as one transaction; one at a time. Resolves when the kernel has taken them; rejects with a
   * SyncError when it refused them, or when the program ended or says nothing, and nobody knows.
   */
  async run(script: string): Promise<void> {
    const errors = await this.#ask(script.trimEnd().replaceAll('\n', ' ; '));
    if (errors === undefined) throw new SyncError('nft: the program ended, or hung, in the middle of a transaction');
    if (errors.length > 0) throw new SyncError(`nft: ${errors.slice(0, 3).join(' | ')}`);
  }

  /** Ends the program once it has done what it was told. */
  end(): void {
    this.#usable = false;
    this.#conversation?.end();
  }

  async #ask(line: string): Promise<string[] | undefined> {
    const { promise, resolve } = Promise.withResolvers<string[] | undefined>();
    this.#asked += 1;
    // nft says nothing about what it has done; a word it does not know is answered with an error that repeats the word.
    this.#question = { fence: `fence${this.#asked}`, lines: [], resolve };
    const conversation = this.#open();
    const limit = this.#clock.after(patience, () => {
      conversation.kill();
      this.#lost(conversation);
    });
    conversation.tell(`${line}\n${this.#question.fence}\n`);
    const errors = await promise;
    limit.cancel();
    return errors;
  }

  #open(): Conversation {
    if (this.#conversation && this.#asked % transactionsPerProcess !== 0) return this.#conversation;
    this.#conversation?.end();
    const conversation: Conversation = this.#follow.converse(['nft', '-i'], {
      env: nowhere,
      // What one that was ended says after all is no answer to what the next is asked.
      heard: (line) => this.#conversation === conversation && this.#hear(line),
    });
    this.#conversation = conversation;
    void conversation.ended.then(() => this.#lost(conversation));
    return conversation;
  }

  #hear(line: string): void {
    const question = this.#question;
    if (!question || line.trim() === '' || /^[ ^~]+$/.test(line)) return;
    if (line !== question.fence) {
      question.lines.push(line);
      return;
    }
    this.#answered = true;
    this.#question = undefined;
    // Before the fence comes the error about the fence itself: one line, or (nft 1.1.7) several.
    const own = question.lines.findLastIndex((said) => said.startsWith('Error:'));
    question.resolve(question.lines.slice(0, own));
  }

  #lost(conversation: Conversation): void {
    if (this.#conversation !== conversation) return;
    this.#conversation = undefined;
    // Built without its command line, nft ends before its first answer.
    if (!this.#answered) this.#usable = false;
    const question = this.#question;
    this.#question = undefined;
    question?.resolve(undefined);
  }
}
