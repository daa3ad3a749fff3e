import { runAppProcess } from '@livegift/process';
import { startProjector } from './projector.process.js';

runAppProcess('projector', startProjector);
