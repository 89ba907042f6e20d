import { runMigrations } from '@clientele/platform/migrate'
import { migrations } from './migrations.ts'

await runMigrations(migrations)
