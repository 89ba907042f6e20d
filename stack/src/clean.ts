import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDockerAvailable, removeContainers } from './backing/docker.ts'
import { stopLeftovers } from './processes/child.ts'
import { confirm } from './processes/confirm.ts'
import { fail } from './processes/fail.ts'
import { homeFolder } from './processes/folders.ts'
import { runningLauncher } from './processes/launcher-lock.ts'

const home = homeFolder()
const holder = runningLauncher(home)
if (holder)
  fail(`Clientele is running at ${holder.url ?? 'an unknown address'} (process ${holder.pid}). Stop it first: npm stop`)
// CLIENTELE_HOME may be set to a wrong folder, which must not be deleted.
if (existsSync(home) && !existsSync(join(home, 'secrets.json')))
  fail(`${home} is not a data folder of Clientele, so nothing was removed. Check CLIENTELE_HOME.`)
if (existsSync(join(home, 'docker')) && !(await isDockerAvailable()))
  fail('Part of the data is in Docker volumes, but Docker is not available. Start Docker first.')
if (existsSync(home) && !process.argv.includes('--yes')) {
  if (!process.stdin.isTTY) fail(`this removes ${home} with all data. To confirm: npm run clean -- --yes`)
  if (!(await confirm(`Remove ${home} with all customers, orders, photos and accounts?`))) fail('Nothing was removed.')
}
await stopLeftovers(home)
await removeContainers(home, { volumes: true })
rmSync(home, { recursive: true, force: true })
console.log(`removed ${home}`)
