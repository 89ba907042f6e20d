import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { dockerAnswers, removeContainers } from './backing/docker.ts'
import { stopLeftovers } from './processes/child.ts'
import { homeFolder } from './processes/folders.ts'
import { runningLauncher } from './processes/launcher-lock.ts'

const home = homeFolder()
const holder = runningLauncher(home)
if (holder) {
  console.error(
    `Clientele runs at ${holder.url ?? 'an address'} (process ${holder.pid}): stop it first (Ctrl-C), then clean.`,
  )
  process.exit(1)
}
// A folder that CLIENTELE_HOME names by mistake is not ours to delete.
if (existsSync(home) && !existsSync(join(home, 'secrets.json'))) {
  console.error(`${home} is not a data folder of Clientele: nothing was removed.`)
  process.exit(1)
}
if (existsSync(join(home, 'docker')) && !(await dockerAnswers())) {
  console.error('Part of the data is in Docker volumes, and Docker does not answer: start it, then clean.')
  process.exit(1)
}
await stopLeftovers(home)
await removeContainers(home, { volumes: true })
rmSync(home, { recursive: true, force: true })
console.log(`removed ${home}`)
