import { configureGlobal } from 'fast-check';

// `test.prop` puts its seed into the name of the test, and Stryker picks the tests of a mutant by
// the names they had in the run before it: so the seed stands still. Nobody reads what is shrunk.
configureGlobal({ seed: 1, endOnFailure: true });
