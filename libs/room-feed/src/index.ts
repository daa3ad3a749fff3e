export * from './feed-frame.js';
export * from './frame-id.js';
export * from './room-feed.js';
export * from './room-feed.types.js';
