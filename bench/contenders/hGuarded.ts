import { createGuard } from './guard';
import { startProxy } from './proxy';

/** H with the product's checks of callers, audit trail and log: what these cost whoever has them. */
void createGuard().then(startProxy);
