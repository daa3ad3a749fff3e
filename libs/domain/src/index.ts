export * from './catalogue/catalogue.events.js';
export * from './claims/claim.events.js';
export * from './creator/creator.events.js';
export * from './room/room.events.js';
export * from './wallet/wallet.events.js';
