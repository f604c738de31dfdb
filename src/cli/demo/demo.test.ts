import { expect, test } from 'vitest';
import { longestGap, parseAnswer, parseTimedAsks, tally } from './answers.ts';
import { excerpt } from './node-rules.ts';

test('answers are counted by pod, and what is no answer is not', () => {
  const lines = ['a 10.0.0.1 sees 10.0.0.9', 'b 10.0.0.2 sees 10.0.0.9', 'a 10.0.0.1 sees 10.0.0.8', 'failed', ''];
  expect(tally(4, lines)).toEqual({
    asked: 4,
    answered: 3,
    pods: [
      { pod: 'a', count: 2 },
      { pod: 'b', count: 1 },
    ],
    sources: ['10.0.0.8', '10.0.0.9'],
  });
  expect(parseAnswer('wget: server returned error')).toBeUndefined();
});

test('the longest gap lies between answers, not between asks', () => {
  const asks = parseTimedAsks('1.00 1.01 a 10.0.0.1 sees x\n1.02 2.50 -\n1.04 1.31 a 10.0.0.1 sees x\nnoise\n');
  expect(asks).toHaveLength(3);
  expect(longestGap(asks)).toBeCloseTo(0.3);
});

test('an excerpt keeps the lines and elements of one address, under what holds them', () => {
  const text = `table ip t {
	map services {
		elements = { 10.96.0.1 . tcp . 443 : goto lb-1, 10.96.0.11 . tcp . 80 : goto lb-3,
			     10.96.0.12 . tcp . 80 : goto lb-2 }
	}
	chain c {
		ip daddr 10.96.0.11 drop
	}
}`;
  expect(excerpt(text, ['10.96.0.11'], 10)).toEqual([
    'map services:',
    '  10.96.0.11 . tcp . 80 : goto lb-3',
    'chain c:',
    '  ip daddr 10.96.0.11 drop',
  ]);
  expect(excerpt(text, ['10.96.0.1', '10.96.0.11'], 2)).toHaveLength(3);
});
