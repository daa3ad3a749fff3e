import { runAppProcess } from '@livegift/process';
import { startGiftApiProcess } from './gift-api.process.js';

runAppProcess('gift-api', startGiftApiProcess, { hasApi: true });
