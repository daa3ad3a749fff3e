/** Seeds 1 to this one are run by `npm test`; a planted fault that none of them finds would pass it. */
export const SPEC_SEEDS = 240;
