import { runMigrations } from '@clientele/platform/data/migrate'
import { migrations } from './migrations.ts'

await runMigrations({ schema: 'activity', migrations })
