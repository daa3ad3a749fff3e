import { runAppProcess } from '@livegift/process';
import { startPublisher } from './publisher.process.js';

runAppProcess('publisher', startPublisher);
