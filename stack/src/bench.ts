import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { messageOf } from './processes/fail.ts'
import { projectRoot } from './processes/folders.ts'
import { logProgress } from './processes/progress.ts'
import { interruptSignal } from './testing/jest-run.ts'
import { startTestServices, type TestServices } from './testing/test-services.ts'

const stopping = interruptSignal()

let testServices: TestServices | undefined
try {
  testServices = await startTestServices(logProgress, stopping, { durable: true })
  const child = spawn(process.execPath, [join(projectRoot, 'bench', 'run.ts'), ...process.argv.slice(2)], {
    cwd: projectRoot,
    // In its own process group, so that Ctrl-C does not reach it: it must end before the services that it uses.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...testServices.env, TEST_RUN: randomBytes(4).toString('hex') },
  })
  stopping.addEventListener('abort', () => child.pid && process.kill(-child.pid, 'SIGTERM'), { once: true })
  const [code] = await once(child, 'exit')
  process.exitCode = code ?? 1
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
} finally {
  await testServices?.stop()
}
process.exit()
