import { startProxy } from './proxy';

// H, the reference.
startProxy(null);
