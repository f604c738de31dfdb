// Names the tests that failed first and passed when tried again. On a shared machine one stall in half an hour is nobody's
// bug; what is named here twice is.
import type { Reporter, TestCase } from 'vitest/node';

export class SecondTry implements Reporter {
  readonly #names: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky) this.#names.push(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd(): void {
    if (this.#names.length === 0) return;
    console.log(['Passed only when tried again:', ...this.#names].join('\n  '));
  }
}
