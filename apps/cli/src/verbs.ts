import type { Command } from 'commander';
import { addAudit } from './audit/audit.verb.js';
import { addBackup } from './backup/backup.verb.js';
import { addImport } from './import/import.verb.js';
import { addReset } from './reset/reset.verb.js';
import { addRestore } from './restore/restore.verb.js';

/** Every verb of `livegift`, in the order of the help. A verb is a file of its own and one line here. */
export const VERBS: readonly ((program: Command) => void)[] = [addImport, addAudit, addBackup, addRestore, addReset];
