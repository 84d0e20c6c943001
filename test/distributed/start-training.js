/** @file Starts training.ts in a thread, where Node (20) does not take `--import tsx`. */
import { register } from 'tsx/esm/api';

register();
await import('./training.ts');
