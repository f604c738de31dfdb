// Property and fuzz tests run from one seed, so that a red run says something about the change and never about luck.
// FUZZ_SEED=random looks further (and prints the seed of what it finds); FUZZ_SEED=<number> repeats; FUZZ_RUNS extends.
import fc from 'fast-check';

const { FUZZ_SEED: seed = '1' } = process.env;
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });
