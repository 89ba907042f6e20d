import { setTimeout as sleep } from 'node:timers/promises'
import { fail } from './processes/fail.ts'
import { homeFolder } from './processes/folders.ts'
import { runningLauncher } from './processes/launcher-lock.ts'
import { isAlive } from './processes/pid-file.ts'
import { logProgress } from './processes/progress.ts'

/** The launcher itself kills a process that does not stop within some seconds. */
const timeoutMs = 90_000

const launcher = runningLauncher(homeFolder())
if (!launcher) {
  console.log('Clientele is not running here.')
  process.exit(0)
}
logProgress('stop', `stopping Clientele at ${launcher.url ?? 'an unknown address'}; the data is kept`)
process.kill(launcher.pid, 'SIGTERM')
const end = Date.now() + timeoutMs
while (isAlive(launcher) && Date.now() < end) await sleep(50)
if (isAlive(launcher)) fail(`process ${launcher.pid} did not stop within ${timeoutMs / 1000} s`)
logProgress('stop', 'stopped')
