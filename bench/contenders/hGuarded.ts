import { createGuard } from './guard';
import { startProxy } from './proxy';

// H with the product's authentication, audit trail and log, which shows what these cost.
void createGuard().then(startProxy);
