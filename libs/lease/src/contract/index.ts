export { describeLeasesContract, type LeasesHarness } from './leases.contract.js';
