export { createMemoryReadModel, type MemoryReadModelOptions } from './memory-read-model.js';
