import { runAppProcess } from '@livegift/process';
import { startSettlement } from './settlement.process.js';

runAppProcess('settlement', startSettlement);
