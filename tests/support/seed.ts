/** One seed for all property tests: what passes once passes always. `TOKENMILL_TEST_SEED` explores with another. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['TOKENMILL_TEST_SEED'] ?? 20_260_101) });
