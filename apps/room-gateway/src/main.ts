import { runAppProcess } from '@livegift/process';
import { startRoomGateway } from './room-gateway.process.js';

runAppProcess('room-gateway', startRoomGateway, { hasApi: true });
